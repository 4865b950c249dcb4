"""scikit-learn models in skops files.

A skops file names the types that it is made of, and skops builds only the ones that it trusts: those of
scikit-learn, NumPy, SciPy and Python that it knows to be harmless. Nothing is ever added to that list here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from model_registry.errors import ModelError
from model_server.loaders import TensorSpec

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_OUTPUT = TensorSpec("y", (-1,))


class SklearnModel:
    """An estimator with `predict`."""

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator
        self.input = TensorSpec("x", (-1, estimator.n_features_in_))
        self.output = _OUTPUT

    def predict(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Predict for `rows` (n, k); returns (n,)."""
        return np.asarray(self._estimator.predict(rows), dtype=np.float64)


def load(path: Path) -> SklearnModel:
    """Load a fitted estimator.

    Raises:
        ModelError: the file holds types that are not trusted, is no skops file, or holds no fitted estimator.
    """
    try:
        estimator = skops.io.load(path, trusted=[])
    except UntrustedTypesFoundException:
        types = ", ".join(skops.io.get_untrusted_types(file=path))
        raise ModelError(
            f"holds types that are not trusted: {types}; only types of scikit-learn, NumPy and SciPy "
            "that skops trusts are loaded: build the model from those"
        ) from None
    # A file can be wrong in as many ways as a zip of JSON and arrays can.
    except Exception as error:
        raise ModelError(
            f"is no skops file that this image reads ({type(error).__name__}: {error}); "
            "save it with the image's versions of scikit-learn and skops"
        ) from error
    if not hasattr(estimator, "predict") or not hasattr(estimator, "n_features_in_"):
        raise ModelError(
            f"is a {type(estimator).__name__}, not a fitted estimator with predict; push one that is"
        )
    return SklearnModel(estimator)
