"""Shared by the loaders of scikit-learn models: a loaded object becomes a model."""

from __future__ import annotations

import warnings
from contextlib import suppress
from functools import cached_property
from numbers import Integral
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import scipy.sparse
import sklearn

# Most estimators need these modules: imported before the first is loaded, because that takes a second.
import sklearn.ensemble
import sklearn.linear_model
import sklearn.pipeline
from joblib.parallel import SequentialBackend
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from bluegrid_registry.errors import ModelError
from bluegrid_server.frameworks.scikit_learn.linear import linear_of
from bluegrid_server.frameworks.scikit_learn.parts import attribute_of_input, compute_alone
from bluegrid_server.protocol.tensor_spec import TensorSpec
from bluegrid_server.protocol.tensors import datatype_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from bluegrid_server.frameworks.model import Model

# Whatever the environment says: scikit-learn checks for values that are not finite, also within a pipeline.
sklearn.set_config(assume_finite=False)
# Requests have no column names; the model's metadata lists them.
warnings.filterwarnings("ignore", "X does not have valid feature names", UserWarning)


class _CallingThread(SequentialBackend):  # type: ignore[misc]
    """Computes in the calling thread, whatever a model's `n_jobs` is, because a worker has one core."""

    # Options that a model may pass to its backend; they have no effect here.
    supports_inner_max_num_threads = supports_timeout = True


for _backend in ("loky", "multiprocessing", "threading"):
    joblib.register_parallel_backend(_backend, _CallingThread)


_FILLS = (0.0, 1.0, 0.5, -1.0, 100.0)
"""Values of all features, to find out what an estimator returns: some estimators refuse 0."""


class SklearnModel:
    """An estimator with `predict`.

    Args:
        estimator: fitted.
        inputs: spec of the rows of features.
    """

    def __init__(self, estimator: Any, inputs: tuple[TensorSpec, ...]) -> None:
        self.estimator = estimator
        self.inputs = inputs

    @classmethod
    def of(cls, estimator: Any) -> Model:
        """Return the model of a loaded object; raise ModelError if it is not a fitted estimator."""
        features = attribute_of_input(estimator, "n_features_in_")
        if not isinstance(features, Integral) or not hasattr(estimator, "predict"):
            raise ModelError(_fault(estimator))
        columns = attribute_of_input(estimator, "feature_names_in_")
        columns = () if columns is None else tuple(map(str, columns))
        # Linear estimators have a faster way to the same answers.
        linear = linear_of(estimator, columns)
        if linear is not None:
            return linear
        compute_alone(estimator)
        return cls(estimator, (TensorSpec("x", (-1, int(features)), columns=columns),))

    @cached_property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """One or several numbers a row, or labels; only a prediction shows which."""
        for value in _FILLS:
            # An estimator that refuses one value may accept others.
            with suppress(Exception):
                y = self.predict({"x": np.full((1, self.inputs[0].shape[1]), value)})["y"]
                return (TensorSpec("y", (-1, *y.shape[1:]), datatype_of(y)),)
        return (TensorSpec("y", (-1,)),)

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Predict for `x` (n, k); return `y` (n,), or (n, m) of an estimator with several outputs."""
        y = self.estimator.predict(inputs["x"])
        # A multilabel classifier returns a sparse array if its training labels were sparse.
        return {"y": _protocol_array(y.toarray() if scipy.sparse.issparse(y) else np.asarray(y))}


def _fault(estimator: Any) -> str:
    """Return why an object cannot be served."""
    name = type(estimator).__name__
    if not hasattr(estimator, "predict") or not _is_fitted(estimator):
        return f"is a {name}, not a fitted estimator with predict; push one that is"
    return (
        f"is a fitted {name} without n_features_in_, so that the length of its rows is unknown; "
        "if it takes rows of numbers, fit it as make_pipeline(FunctionTransformer(), …), which has it"
    )


def _is_fitted(estimator: Any) -> bool:
    try:
        check_is_fitted(estimator)
    # TypeError: the object is not an estimator.
    except (NotFittedError, TypeError):
        return False
    return True


def _protocol_array(y: NDArray[Any]) -> NDArray[Any]:
    if y.dtype.kind == "f":
        return y.astype(np.float64, copy=False)
    # Labels have any type that the training data had.
    return y if y.dtype.kind in "iub" else y.astype(object)
