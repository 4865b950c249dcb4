"""What makes quantiles of the columns: a linear model, or the trees of XGBoost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Base64Bytes, Field

from bluegrid_openstef.pipeline.step import PipelinePart
from bluegrid_registry import ModelError
from bluegrid_server.frameworks import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Rows = NDArray[np.float64]
    Quantiles = NDArray[np.float32]


class TargetScale(PipelinePart):
    """Mean and standard deviation of the target in the training."""

    mean: float
    scale: float

    def undo(self, values: Quantiles) -> Quantiles:
        """Return the values in the target's unit, in FP32: scikit-learn keeps the type of what it scales."""
        return values * np.float32(self.scale) + np.float32(self.mean)


class LinearForecaster(PipelinePart):
    """The weights of a `gblinear` booster: FP32, each as the FP64 number that equals it."""

    kind: Literal["gblinear"] = "gblinear"
    columns: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]
    """Of each column, the weight in each quantile."""
    intercepts: tuple[float, ...]
    """Of each quantile."""
    target: TargetScale | None

    def predictor(self) -> Callable[[Rows], Quantiles]:
        """Return the function of rows (m, columns) that returns quantiles (m, q)."""
        weights = np.array(self.weights, dtype=np.float32)
        intercepts = np.array(self.intercepts, dtype=np.float32)
        target = self.target
        if weights.shape != (len(self.columns), len(intercepts)):
            raise ModelError(f"has weights of the shape {weights.shape}, which is not that of its columns")

        def predict(rows: Rows) -> Quantiles:
            values = rows.astype(np.float32)
            if not np.isfinite(values).all():
                raise InputError("a feature is beyond FP32")
            # One column after the other, in FP32, as XGBoost adds them.
            sums = np.repeat(intercepts[None], len(rows), axis=0)
            for column, weight in zip(values.T, weights, strict=True):
                sums += column[:, None] * weight
            return target.undo(sums) if target is not None else sums

        return predict


class TreeForecaster(PipelinePart):
    """A booster of trees in UBJSON, as `Booster.save_model` writes it; XGBoost evaluates it."""

    kind: Literal["xgboost"] = "xgboost"
    columns: tuple[str, ...]
    booster: Base64Bytes
    rounds: int = Field(ge=0)
    """How many rounds are used: up to the best one. 0: all."""
    target: TargetScale | None

    def predictor(self) -> Callable[[Rows], Quantiles]:
        """Return the function of rows (m, columns) that returns quantiles (m, q)."""
        import xgboost

        # One thread, as each pipeline in OpenSTEF.
        booster = xgboost.Booster({"nthread": 1})
        try:
            booster.load_model(bytearray(self.booster))
        except xgboost.core.XGBoostError as error:
            raise ModelError(
                f"has a booster that XGBoost does not load: {str(error).splitlines()[-1]}"
            ) from None
        rounds, target = self.rounds, self.target

        def predict(rows: Rows) -> Quantiles:
            found: Any = booster.inplace_predict(rows, iteration_range=(0, rounds), validate_features=False)
            values = np.reshape(found, (len(rows), -1))
            return target.undo(values) if target is not None else values

        return predict
