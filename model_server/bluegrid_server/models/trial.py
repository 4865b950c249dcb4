"""Trials: before a model serves, made rows of valid datatypes and shapes show whether it can answer at all.

Made rows are not real data, and a model may rightly refuse them: the logarithm of 0, a category that was not
in the training data, a string that is not a date. So a trial fails only if no values could have avoided the
failure; other failures are logged as a warning (ADR 22).
"""

from __future__ import annotations

import re
import sys
import traceback
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog

from bluegrid_registry.errors import ModelError
from bluegrid_server.frameworks.errors import describe
from bluegrid_server.frameworks.made_rows import made_rows
from bluegrid_server.frameworks.model import outputs_of
from bluegrid_server.protocol.tensors import datatype_of, json_data_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from bluegrid_server.frameworks.model import Model
    from bluegrid_server.protocol.tensor_spec import TensorSpec

_SIZES = (1, 2, 8, 32, 96, 256)
"""Sizes to try for a dimension of any size: mostly the number of rows, or the steps of a window."""
_MAX_NAMED = 3
"""Maximum number of inputs that an error names."""

_LIBRARIES = frozenset(
    {
        "_catboost",
        "catboost",
        "joblib",
        "keras",
        "lightgbm",
        "numpy",
        "onnxruntime",
        "pandas",
        "py4j",
        "pyspark",
        "scipy",
        "sklearn",
        "tensorflow",
        "xgboost",
        __name__.partition(".")[0],
        *sys.stdlib_module_names,
    }
)
"""Packages whose errors are about the model itself, unless the message blames a value."""
_BLAMES_VALUES = re.compile(
    r"\bnan\b|\binf|finite|negative|positive|unknown|unseen label|categor|out of|bounds?\b|domain|overflow"
    r"|range|assert|between|at least|greater|larger|too large|less than|smaller|below|above|beyond|outlier"
    r"|\bcontains?\b|neighbou?rs found|\bvalid\b|invertible|singular|definite|converge",
    re.IGNORECASE,
)
"""Words of messages that blame a value of the input."""
_ADDRESS = re.compile(r"0x[0-9a-f]+")


class Trials:
    """Lets models answer made rows, and collects models whose trial has no clear result.

    Attributes:
        answered: number of models that answered a made row.
        unknown: by UID, why a model answered no made row, if the values may be the cause.
    """

    def __init__(self) -> None:
        self.answered = 0
        self.unknown: dict[str, str] = {}

    def run(self, uid: str, model: Model, outputs: Collection[str] = ()) -> None:
        """Let a model answer made rows, and record the result.

        Args:
            uid: the model's UID.
            model: the model.
            outputs: the outputs that the set chooses; empty: those that the model gives by default.

        Raises:
            ModelError: the model cannot answer any row; the message continues after "model <uid>".
        """
        reason = try_out(model, outputs)
        if reason is None:
            self.answered += 1
        else:
            self.unknown[uid] = reason

    def warn(self) -> None:
        """Log one warning about the models that answered no made row."""
        if self.unknown:
            uid, reason = next(iter(self.unknown.items()))
            structlog.get_logger().warning(
                "models answered no made row, perhaps for its values; record an example of theirs",
                models=len(self.unknown),
                first=uid,
                reason=reason,
            )


def try_out(model: Model, outputs: Collection[str] = ()) -> str | None:
    """Let a model answer made rows, with what a request gets that names no outputs.

    Args:
        model: the model.
        outputs: the outputs that the set chooses; empty: those that the model gives by default.

    Returns:
        None if the model answered a row; otherwise the first failure, which the values may have caused.

    Raises:
        ModelError: the model fails whatever the values.
    """
    sizes = _SIZES if any(-1 in spec.shape for spec in model.inputs) else (1,)
    asked = [spec for spec in model.outputs if (spec.name in outputs if outputs else not spec.on_request)]
    known: Mapping[str, Sequence[Any]] = getattr(model, "known_values", {})
    by_size: list[list[Exception]] = []
    for size in sizes:
        failures: list[Exception] = []
        for inputs in made_rows(model.inputs, size, known, fewer=size > 1):
            failure = _failure(model, inputs, asked)
            if failure is None:
                return None
            if _is_certain(failure):
                raise _refused(failure, model.inputs)
            failures.append(failure)
        if failures:
            by_size.append(failures)
    if not by_size:
        return "its inputs are too large to be made up"
    first = by_size[0][0]
    if _only_rows_vary(model.inputs, known) and all(map(_is_independent_of_values, by_size)):
        raise _refused(first, model.inputs)
    return describe(first)


def _only_rows_vary(specs: Sequence[TensorSpec], known: Collection[str]) -> bool:
    """Return whether a request chooses only numbers and the number of rows, not unknown strings or sizes."""
    return all(
        -1 not in spec.shape[1:] and not spec.any_rank and (spec.datatype != "BYTES" or spec.name in known)
        for spec in specs
    )


def _failure(
    model: Model, inputs: dict[str, NDArray[Any]], outputs: Sequence[TensorSpec]
) -> Exception | None:
    """Return the error of computing and encoding the outputs; None: no error."""
    names = [spec.name for spec in outputs]
    on_request = [spec.name for spec in outputs if spec.on_request]
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            # Warnings about made rows are of no use to anybody.
            warnings.simplefilter("ignore")
            values = outputs_of(model, inputs, names, on_request)
            for name in names:
                datatype_of(values[name])
                json_data_of(values[name])
    # Any exception of a framework is the result.
    except Exception as error:  # noqa: BLE001
        return error
    return None


def _is_certain(error: Exception) -> bool:
    """Return whether no values can cause this error: something that the model needs is missing."""
    if isinstance(error, ImportError):
        return True
    if isinstance(error, AttributeError):
        # An attribute of None may depend on values: functions that look up a value return None.
        is_of_none = error.name is not None and error.obj is None
        return not is_of_none and (isinstance(error.obj, np.ndarray) or not _runs_other_code(error))
    return isinstance(error, NotImplementedError) and not _runs_other_code(error)


def _is_independent_of_values(failures: Sequence[Exception]) -> bool:
    messages = {(type(error), _ADDRESS.sub("", str(error))) for error in failures}
    if len(messages) != 1 or len(failures) < 2:
        return False
    return not (_BLAMES_VALUES.search(str(failures[0])) or any(map(_runs_other_code, failures)))


def _runs_other_code(error: Exception) -> bool:
    """Return whether code of the model's author ran, which may refuse values with any message."""
    names = (frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__))
    return any(name.partition(".")[0] not in _LIBRARIES for name in names)


def _refused(error: Exception, specs: Sequence[TensorSpec]) -> ModelError:
    named = ", ".join(f"{spec.name!r} {spec.datatype} {list(spec.shape)}" for spec in specs[:_MAX_NAMED])
    more = ", …" if len(specs) > _MAX_NAMED else ""
    reason = describe(error).rstrip(".")
    return ModelError(
        f"cannot answer any request for {named}{more}: {reason}: push a model that can, or use an image that "
        "has what it needs; where a request can be answered, record it as the model's example"
    )
