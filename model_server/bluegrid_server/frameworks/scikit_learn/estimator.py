"""Shared by the loaders of scikit-learn models: a loaded object becomes a model."""

from __future__ import annotations

import warnings
from functools import cached_property
from numbers import Integral
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import sklearn

# Most estimators need these modules: imported before the first is loaded, because that takes a second.
import sklearn.ensemble
import sklearn.linear_model
import sklearn.pipeline
from joblib.parallel import SequentialBackend
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from bluegrid_registry.errors import ModelError
from bluegrid_server.frameworks.errors import describe
from bluegrid_server.frameworks.made_rows import made_rows
from bluegrid_server.frameworks.scikit_learn.answers import arrays_of, base_of, classes_of, methods_of
from bluegrid_server.frameworks.scikit_learn.inputs import Rows, inputs_of
from bluegrid_server.frameworks.scikit_learn.linear import linear_of
from bluegrid_server.frameworks.scikit_learn.parts import attribute_of_input, compute_alone
from bluegrid_server.frameworks.scikit_learn.short_checks import shorten_checks
from bluegrid_server.protocol.tensor_spec import TensorSpec
from bluegrid_server.protocol.tensors import datatype_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from bluegrid_server.frameworks.model import Model
    from bluegrid_server.frameworks.scikit_learn.inputs import Inputs

# Whatever the environment says: scikit-learn checks for values that are not finite, also within a pipeline.
sklearn.set_config(assume_finite=False)
shorten_checks()
# Requests have no column names; the model's metadata lists them.
warnings.filterwarnings("ignore", "X does not have valid feature names", UserWarning)


class _CallingThread(SequentialBackend):  # type: ignore[misc]
    """Computes in the calling thread, whatever a model's `n_jobs` is, because a worker has one core."""

    # Options that a model may pass to its backend; they have no effect here.
    supports_inner_max_num_threads = supports_timeout = True


for _backend in ("loky", "multiprocessing", "threading"):
    joblib.register_parallel_backend(_backend, _CallingThread)


class SklearnModel:
    """A fitted estimator.

    Args:
        estimator: fitted.
        inputs: makes the estimator's input of tensors.
        methods: from outputs to what computes them, the default output first.
    """

    def __init__(self, estimator: Any, inputs: Inputs, methods: Mapping[str, Callable[[Any], Any]]) -> None:
        self.estimator = estimator
        self._inputs = inputs
        self._methods = methods
        self._default = next(iter(self._methods))

    @classmethod
    def of(cls, estimator: Any, without: Collection[str] = ()) -> Model:
        """Return the model of a loaded object.

        Args:
            estimator: the object.
            without: outputs that the model is not to have.

        Raises:
            ModelError: it is not a fitted estimator, answers nothing for new rows, or takes no tensors.
        """
        names = attribute_of_input(estimator, "feature_names_in_")
        columns = tuple(map(str, names)) if isinstance(names, np.ndarray) else ()
        # Linear estimators have a faster way to the same answers.
        linear = linear_of(estimator, columns)
        if linear is not None:
            return linear
        try:
            return cls._of_any(estimator, columns, without)
        except ModelError:
            raise
        # A part of another release, or of the author's own code, may lack any attribute.
        except Exception as error:
            raise ModelError(
                f"cannot be used by scikit-learn {sklearn.__version__} of this image ({describe(error)}); "
                "fit it with that"
            ) from error

    @classmethod
    def _of_any(cls, estimator: Any, columns: tuple[str, ...], without: Collection[str]) -> SklearnModel:
        methods = methods_of(estimator)
        if not _is_fitted(estimator) or not methods:
            raise ModelError(_fault(estimator))
        compute_alone(estimator)
        kept = {output: method for output, method in methods.items() if output not in without}
        return cls(estimator, inputs_of(estimator, columns), kept)

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The columns, or one tensor of them all."""
        return self._inputs.specs

    @property
    def takes_rows(self) -> bool:
        """Whether the estimator gets the tensor `x` as it is."""
        return isinstance(self._inputs, Rows)

    @property
    def known_values(self) -> Mapping[str, Sequence[Any]]:
        """By name of an input or a column, values that the training knew."""
        return self._inputs.known

    @cached_property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The default output first; only answers show their shapes and datatypes."""
        specs: list[TensorSpec] = []
        for output in self._methods:
            specs += self._specs_of(output)
        return tuple(specs)

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the default output: `y` (n,), or (n, m) of an estimator with several outputs."""
        return self._answer(self._default, self._inputs.of(inputs))

    def on_request(
        self, inputs: Mapping[str, NDArray[Any]], names: Collection[str]
    ) -> dict[str, NDArray[Any]]:
        """Return the outputs of these names, which are not the default."""
        x = self._inputs.of(inputs)
        answers: dict[str, NDArray[Any]] = {}
        for output in dict.fromkeys(map(base_of, names)):
            answers |= self._answer(output, x)
        return {name: answers[name] for name in names}

    def _answer(self, output: str, x: Any) -> dict[str, NDArray[Any]]:
        return arrays_of(output, self._methods[output](x))

    def _specs_of(self, output: str) -> list[TensorSpec]:
        on_request = output != self._default
        try:
            answers = self._answers_to_made_rows(output)
        except (AttributeError, NotImplementedError):
            # The estimator has the method, and a part of it does not.
            if on_request:
                return []
            answers = {}
        if not answers:
            return [TensorSpec(output, (-1,), on_request=on_request)]
        return [
            TensorSpec(
                name,
                (-1, *array.shape[1:]),
                datatype_of(array),
                classes=classes_of(self.estimator, name, array),
                on_request=on_request,
            )
            for name, array in answers.items()
        ]

    def _answers_to_made_rows(self, output: str) -> dict[str, NDArray[Any]]:
        """Return an answer to made rows; an empty one if the estimator refuses them all for their values."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            # Warnings about made rows are of no use to anybody.
            warnings.simplefilter("ignore")
            for rows in made_rows(self.inputs, known=self.known_values):
                try:
                    return self._answer(output, self._inputs.of(rows))
                except (AttributeError, NotImplementedError):
                    raise
                # An estimator that refuses some values may accept others.
                except Exception:  # noqa: BLE001, S112
                    continue
        return {}


def _fault(estimator: Any) -> str:
    """Return why an object cannot be served."""
    name = type(estimator).__name__
    if not _is_fitted(estimator):
        if hasattr(estimator, "fit") and not isinstance(estimator, type):
            return f"is a {name} that was not fitted; call its fit before it is saved"
        return f"is a {name}, not a fitted estimator with predict or transform; push one that is"
    remedy = (
        "fit it with novelty=True" if name == "LocalOutlierFactor" else "push one that answers for new rows"
    )
    return f"is a fitted {name} without predict, transform, decision_function and score_samples; {remedy}"


def _is_fitted(estimator: Any) -> bool:
    # An author's own class may predict without a `fit`, which scikit-learn's check asks for.
    # In a class that is no instance, the number is a property.
    if isinstance(attribute_of_input(estimator, "n_features_in_"), Integral):
        return True
    try:
        check_is_fitted(estimator)
    # TypeError: the object is not an estimator.
    except (NotFittedError, TypeError):
        return False
    return True
