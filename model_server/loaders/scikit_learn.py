"""What the loaders of scikit-learn models share."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

# What most estimators are made of: imported before the first of them is loaded, since that takes a second.
import sklearn.ensemble
import sklearn.linear_model
import sklearn.pipeline  # noqa: F401

from model_registry.errors import ModelError
from model_server.linear import linear_of
from model_server.loaders import TensorSpec
from model_server.tensors import datatype_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from model_server.loaders import Model


class SklearnModel:
    """An estimator with `predict`."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator
        self.inputs = (TensorSpec("x", (-1, estimator.n_features_in_)),)

    @classmethod
    def of(cls, estimator: Any) -> Model:
        """Return the model of a loaded object; ModelError when that is no fitted estimator."""
        if not hasattr(estimator, "predict") or not hasattr(estimator, "n_features_in_"):
            raise ModelError(
                f"is a {type(estimator).__name__}, not a fitted estimator with predict; push one that is"
            )
        # The short way to the same answers, where there is one.
        return linear_of(estimator) or cls(estimator)

    @cached_property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """One or several numbers a row, or labels; an estimator tells only by answering."""
        try:
            y = self.predict({"x": np.zeros((1, self.estimator.n_features_in_))})["y"]
        # What it makes of zeros says nothing about other rows.
        except Exception:  # noqa: BLE001
            return (TensorSpec("y", (-1,)),)
        return (TensorSpec("y", (-1, *y.shape[1:]), datatype_of(y)),)

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Predict for `x` (n, k); returns `y` (n,), or (n, m) of an estimator with several outputs."""
        return {"y": _of_the_protocol(np.asarray(self.estimator.predict(inputs["x"])))}


def _of_the_protocol(y: NDArray[Any]) -> NDArray[Any]:
    if y.dtype.kind == "f":
        return y.astype(np.float64, copy=False)
    # Labels are whatever the training data had.
    return y if y.dtype.kind in "iub" else y.astype(object)
