"""A synthetic series of OpenSTEF's own, and its presets, small."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from openstef_core.types import LeadTime, Q
from openstef_models.presets import ForecastingWorkflowConfig, create_forecasting_workflow

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = ("xgboost", "gblinear", "lgbm", "lgbmlinear", "flatliner", "constant_quantile")
AS_DATA = ("gblinear", "xgboost")
"""Those that have a form as data."""
QUANTILES = (0.1, 0.5, 0.9)
STEPS = 48


@dataclass(frozen=True)
class Series:
    """An hourly series, and where its forecast starts."""

    data: Any

    @property
    def start(self) -> Any:
        """The first step that is forecast."""
        return self.data.index[-STEPS]

    def tensors(self, **changed: Any) -> Mapping[str, Any]:
        """Return the inputs of a model with the last two weeks and all columns."""
        recent = self.recent.data
        return {
            "time": recent.index.as_unit("s").asi8,
            "forecast_start": np.array([self.start.timestamp()], dtype=np.int64),
            **{name: recent[name].to_numpy() for name in recent.columns},
            **changed,
        }

    @property
    def recent(self) -> Any:
        """The last two weeks and the steps to forecast."""
        return self.data.filter_by_range(start=self.start.to_pydatetime() - timedelta(days=14))


def new_model(kind: str, **changed: Any) -> Any:
    """Return one of OpenSTEF's presets, not fitted, without MLflow, with some settings changed."""
    return new_workflow("target", None, kind, **changed).model


def new_workflow(model_id: str, storage: Any, kind: str = "constant_quantile", **changed: Any) -> Any:
    """Return the workflow of one of OpenSTEF's presets; constant quantiles are fitted the fastest."""
    settings = {
        "model_id": model_id,
        "model": kind,
        "horizons": [LeadTime.from_string("PT48H")],
        "quantiles": [Q(each) for each in QUANTILES],
        "sample_interval": timedelta(hours=1),
        "mlflow_storage": storage,
    }
    return create_forecasting_workflow(ForecastingWorkflowConfig(**settings | changed))
