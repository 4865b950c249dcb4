"""What the update server trains each night, and on which data: a source for `bluegrid_openstef.trainer`.

In the registry, with the folder that has `examples` on PYTHONPATH of the server:

    set:
      id: transformers
      type: openstef/joblib
      source: platform
      update:
        trainer:
          command:
            - /opt/openstef/bin/python
            - -m
            - bluegrid_openstef.trainer
            - examples.openstef.nightly:Transformers
            - --store
            - s3://models/grid
          timeoutSeconds: 14400
          parameters:
            kind: {type: string, default: gblinear}
            until: {type: string, default: "2016-06-01T00:00Z"}
        schedule: {when: daily, timeZone: Europe/Amsterdam}
        rollout: {to: standby}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from openstef_core.datasets import TimeSeriesDataset

from examples.openstef.grid import Grid
from examples.openstef.training import STEP, TRAINING, new_workflow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from openstef_models.workflows import CustomForecastingWorkflow

    from bluegrid_openstef.collecting_storage import CollectingStorage


class Transformers:
    """Transformers of SimBench's grid, and loads if there are more targets than transformers.

    Args:
        kind: one of OpenSTEF's presets.
        until: end of the training data; yours ends now.
        targets: how many.
    """

    def __init__(self, kind: str = "gblinear", until: str = "2016-06-01T00:00Z", targets: int = 20) -> None:
        self._kind, self._until = kind, pd.Timestamp(until)
        self._grid = Grid()
        self._targets = {each.uid: each for each in self._grid.targets()[:targets]}

    def model_ids(self) -> Sequence[str]:
        """Return the UIDs of the targets."""
        return [*self._targets]

    def workflow(self, model_id: str, storage: CollectingStorage) -> CustomForecastingWorkflow:
        """Return a workflow that trains what is older than 7 days, and keeps what is better."""
        return new_workflow(model_id, self._kind, storage)

    def training_data(self, model_id: str) -> TimeSeriesDataset:
        """Return the last 60 days."""
        series = self._grid.series(self._targets[model_id])
        return TimeSeriesDataset(series[self._until - TRAINING : self._until - STEP].copy(), STEP)
