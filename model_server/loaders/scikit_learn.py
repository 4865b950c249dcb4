"""What the loaders of scikit-learn models share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from model_registry.errors import ModelError
from model_server.loaders import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_OUTPUT = TensorSpec("y", (-1,))


class SklearnModel:
    """An estimator with `predict`."""

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator
        self.inputs = (TensorSpec("x", (-1, estimator.n_features_in_)),)
        self.outputs = (_OUTPUT,)

    @classmethod
    def of(cls, estimator: Any) -> SklearnModel:
        """Return the model of a loaded object; ModelError when that is no fitted estimator."""
        if not hasattr(estimator, "predict") or not hasattr(estimator, "n_features_in_"):
            raise ModelError(
                f"is a {type(estimator).__name__}, not a fitted estimator with predict; push one that is"
            )
        return cls(estimator)

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Predict for `x` (n, k); returns `y` (n,)."""
        return {"y": np.asarray(self._estimator.predict(inputs["x"]), dtype=np.float64)}
