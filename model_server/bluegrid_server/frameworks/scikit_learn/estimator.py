"""What the loaders of scikit-learn models share."""

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

# What most estimators are made of: imported before the first of them is loaded, since that takes a second.
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

# Whatever the environment says: what is not finite is an error where scikit-learn has it so, also inside of a
# pipeline.
sklearn.set_config(assume_finite=False)
# A request comes without names; the model's metadata lists them.
warnings.filterwarnings("ignore", "X does not have valid feature names", UserWarning)


class _CallingThread(SequentialBackend):  # type: ignore[misc]
    """Computes in the thread that calls, whatever a model's `n_jobs` says: a worker has one core."""

    # What a model may ask of the backend that it was written for; here it has no effect.
    supports_inner_max_num_threads = supports_timeout = True


for _backend in ("loky", "multiprocessing", "threading"):
    joblib.register_parallel_backend(_backend, _CallingThread)


_TRIED = (0.0, 1.0, 0.5, -1.0, 100.0)
"""Values of all features, tried to find out what an estimator answers: not every one takes a 0."""


class SklearnModel:
    """An estimator with `predict`.

    Args:
        estimator: fitted.
        inputs: what it takes: rows of features.
    """

    def __init__(self, estimator: Any, inputs: tuple[TensorSpec, ...]) -> None:
        self.estimator = estimator
        self.inputs = inputs

    @classmethod
    def of(cls, estimator: Any) -> Model:
        """Return the model of a loaded object; ModelError if that is not a fitted estimator."""
        features = attribute_of_input(estimator, "n_features_in_")
        if not isinstance(features, Integral) or not hasattr(estimator, "predict"):
            raise ModelError(_fault(estimator))
        columns = attribute_of_input(estimator, "feature_names_in_")
        columns = () if columns is None else tuple(map(str, columns))
        # The short way to the same answers, where there is one.
        linear = linear_of(estimator, columns)
        if linear is not None:
            return linear
        compute_alone(estimator)
        return cls(estimator, (TensorSpec("x", (-1, int(features)), columns=columns),))

    @cached_property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """One or several numbers a row, or labels; an estimator tells only by answering."""
        for value in _TRIED:
            # What it makes of one value says nothing about others.
            with suppress(Exception):
                y = self.predict({"x": np.full((1, self.inputs[0].shape[1]), value)})["y"]
                return (TensorSpec("y", (-1, *y.shape[1:]), datatype_of(y)),)
        return (TensorSpec("y", (-1,)),)

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Predict for `x` (n, k); returns `y` (n,), or (n, m) of an estimator with several outputs."""
        y = self.estimator.predict(inputs["x"])
        # A classifier of several labels answers as sparse as the labels that it was trained on.
        return {"y": _of_the_protocol(y.toarray() if scipy.sparse.issparse(y) else np.asarray(y))}


def _fault(estimator: Any) -> str:
    """What keeps an object from being served."""
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
    # TypeError: it is no estimator.
    except (NotFittedError, TypeError):
        return False
    return True


def _of_the_protocol(y: NDArray[Any]) -> NDArray[Any]:
    if y.dtype.kind == "f":
        return y.astype(np.float64, copy=False)
    # Labels are whatever the training data had.
    return y if y.dtype.kind in "iub" else y.astype(object)
