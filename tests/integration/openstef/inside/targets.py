"""What the trainer of these tests trains: three feeders, on a synthetic series."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from openstef_core.datasets import TimeSeriesDataset
from openstef_core.testing import create_synthetic_forecasting_dataset
from openstef_core.types import Q

from tests.integration.openstef.inside.feeders import FEEDERS
from tests.integration.openstef.inside.pipelines import new_workflow

if TYPE_CHECKING:
    from collections.abc import Sequence


class Feeders:
    """Feeders.

    Args:
        reuse: whether recent models stay.
        broken: a feeder without data.
        other: a feeder whose series has changed.
        more: one more feeder.
        unmade: a feeder whose workflow cannot be made.
        stored: whether workflows have the storage.
        kind: one of OpenSTEF's presets.
    """

    def __init__(
        self,
        reuse: bool = True,
        broken: str = "",
        other: str = "",
        more: str = "",
        unmade: str = "",
        stored: bool = True,
        kind: str = "constant_quantile",
    ) -> None:
        self._reuse, self._broken, self._other, self._more = reuse, broken, other, more
        self._unmade, self._stored, self._kind = unmade, stored, kind

    def model_ids(self) -> Sequence[str]:
        return [*FEEDERS, *filter(None, [self._more])]

    def workflow(self, model_id: str, storage: Any) -> Any:
        if model_id == self._unmade:
            raise ValueError("no settings")
        return new_workflow(
            model_id,
            storage if self._stored else None,
            self._kind,
            model_reuse_enable=self._reuse,
            # No new model is twice as good as the one of before.
            model_selection_metric=(Q(0.5), "observed_probability", "higher_is_better"),
            model_selection_old_model_penalty=0.5,
            model_selection_enable=model_id != self._other,
        )

    def training_data(self, model_id: str) -> Any:
        if model_id == self._broken:
            raise ValueError("no measurements\nsince Tuesday")
        days = 40 if model_id == self._other else 30
        return create_synthetic_forecasting_dataset(length=timedelta(days=days))


class Unwritten(Feeders):
    """Feeders whose data cannot be written to files."""

    def __init__(self) -> None:
        super().__init__()
        TimeSeriesDataset.to_parquet = _refuse


def _refuse(*_: object, **__: object) -> None:
    raise OSError("no space left")
