"""Forecasts of a load from its history: named series in, quantiles out, and a fallback where history lacks.

A model is a JSON document: `{"period": 604800, "factors": {"P10": 0.8, "P50": 1.0, "P90": 1.3}}` forecasts
the load of a week before, times a factor for each quantile.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_registry import ModelError, ModelType
from bluegrid_server.frameworks import Datatype, Fallback, FrameworkPlugin, InputError, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

FLATLINER = "flatliner"
"""The last known load for the whole horizon, where nothing is known of one period before."""


def _fault(data: bytes) -> str | None:
    return None if data.startswith(b'{"period":') else 'does not begin with `{"period":`'


TYPE = ModelType("seasonal", "naive", "a seasonal naive forecaster", _fault)


class SeasonalNaive:
    """A model in memory.

    Args:
        period: in seconds.
        factors: by quantile.
    """

    inputs = (
        TensorSpec("time", (-1,), Datatype.INT64),  # seconds since 1970, in ascending order
        TensorSpec("load", (-1,)),  # NaN where it is not known, as in the future
        TensorSpec("forecast_start", (1,), Datatype.INT64),
    )

    def __init__(self, period: int, factors: Mapping[str, float]) -> None:
        self._period, self._factors = period, factors
        quantiles = (TensorSpec(f"quantile_{name}", (-1,)) for name in factors)
        self.outputs = (TensorSpec("time", (-1,), Datatype.INT64), *quantiles)

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Forecast for the m moments from `forecast_start` on.

        A value is NaN where the load of one period before is not known.
        """
        time, load, (start,) = inputs["time"], inputs["load"], inputs["forecast_start"]
        if len(time) != len(load):
            raise InputError(f"inputs: 'time' and 'load' differ in length: {len(time)} and {len(load)}")
        known = (time < start) & np.isfinite(load)
        horizon = time[time >= start]
        if not known.any() or not len(horizon):
            raise InputError("inputs: expected a known load before forecast_start, and a moment from it on")
        history = dict(zip(time[known].tolist(), load[known].tolist(), strict=True))
        before = [history.get(moment - self._period, np.nan) for moment in horizon.tolist()]
        if np.isfinite(before).any():
            return self._outputs(horizon, np.array(before))
        return Fallback(self._outputs(horizon, np.full(len(horizon), load[known][-1])), FLATLINER)

    def _outputs(self, horizon: NDArray[Any], load: NDArray[Any]) -> dict[str, NDArray[Any]]:
        quantiles = {f"quantile_{name}": factor * load for name, factor in self._factors.items()}
        return {"time": horizon, **quantiles}


def load(path: Path, trust: Iterable[str] = ()) -> SeasonalNaive:  # noqa: ARG001 - nothing in it runs code
    """Load a model; ModelError if the file has none."""
    try:
        document = json.loads(path.read_bytes())
        return SeasonalNaive(int(document["period"]), {**document["factors"]})
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"is no seasonal naive forecaster: {error!r}") from None


PLUGIN = FrameworkPlugin(load, outlives_fork=True, fallbacks=(FLATLINER,))
