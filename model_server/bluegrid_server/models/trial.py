"""Trials: rows made from what a model takes show, before it serves, whether it can answer at all.

A made row is not a sound reading. A model may rightly refuse it: the logarithm of 0, a category that training
never had, a string that is not a date. So a failure counts against a model only where no values could have
avoided it; of every other failure the log gets a warning (ADR 22).
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
from bluegrid_server.protocol.tensors import DATATYPES, datatype_of, json_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from bluegrid_server.frameworks.model import Model
    from bluegrid_server.protocol.tensor_spec import TensorSpec

_SIZES = (1, 2, 8, 32, 96, 256)
"""Sizes that are tried for a dimension of any size: rows first of all, and steps of a window."""
_MAX_ELEMENTS = 2**20
"""Of one tensor: a trial must not need more memory than requests do."""
_FILLS = (1.0, 100.0, 0.5, 0.0, -1.0)
"""Values of all elements; after them come 1, 2, 3, and others at random.

0 comes late: where native code divides integers by it, the process ends.
"""
_WORDS = ("1", "a", "A", "1.5", "2026-01-01", "unknown", "")
"""The same for strings."""

_MAX_NAMED = 3
"""Inputs that a refusal names."""

_LIBRARIES = frozenset(
    {
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
"""Packages whose code fails for what it was made of, and says so where it fails for a value."""
_OF_VALUES = re.compile(
    r"\bnan\b|\binf|finite|negative|positive|unknown|unseen label|categor|out of|bounds?\b|domain|overflow"
    r"|range|assert|between|at least|greater|larger|too large|less than|smaller|below|above|beyond|outlier"
    r"|\bcontains?\b|neighbou?rs found|\bvalid\b|invertible|singular|definite|converge",
    re.IGNORECASE,
)
"""Words of messages that blame a value."""
_ADDRESS = re.compile(r"0x[0-9a-f]+")


class Trials:
    """Lets models answer made rows, and keeps of which ones that says nothing.

    Attributes:
        answered: how many models answered one.
        unknown: why a model answered none, by UID, where that may be the rows' fault.
    """

    def __init__(self) -> None:
        self.answered = 0
        self.unknown: dict[str, str] = {}

    def run(self, uid: str, model: Model) -> None:
        """Try a model.

        Raises:
            ModelError: it cannot answer any row; the message goes on after "model <uid>".
        """
        reason = try_out(model)
        if reason is None:
            self.answered += 1
        else:
            self.unknown[uid] = reason

    def warn(self) -> None:
        """Say in the log, once, which models answered no made row."""
        if self.unknown:
            uid, reason = next(iter(self.unknown.items()))
            structlog.get_logger().warning(
                "models answered no made row, perhaps for its values; record an example of theirs",
                models=len(self.unknown),
                first=uid,
                reason=reason,
            )


def try_out(model: Model) -> str | None:
    """Let a model answer made rows.

    Returns:
        None: it answered one. Else why it answered none, which may be for their values.

    Raises:
        ModelError: no values would help.
    """
    sizes = _SIZES if any(-1 in spec.shape for spec in model.inputs) else (1,)
    by_size: list[list[Exception]] = []
    for size in sizes:
        failures: list[Exception] = []
        for inputs in _made(model.inputs, size, fewer=size > 1):
            failure = _failure(model, inputs)
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
    if _has_only_rows_free(model.inputs) and all(map(_is_the_same_whatever_the_values, by_size)):
        raise _refused(first, model.inputs)
    return describe(first)


def _has_only_rows_free(specs: Sequence[TensorSpec]) -> bool:
    """Whether all that a request can choose are numbers and how many rows of them there are."""
    return all(-1 not in spec.shape[1:] and spec.datatype != "BYTES" for spec in specs)


def _made(specs: Sequence[TensorSpec], size: int, *, fewer: bool) -> Iterator[dict[str, NDArray[Any]]]:
    """Yield inputs of these specs, with `size` in place of each -1."""
    shapes = {spec.name: tuple(size if each == -1 else each for each in spec.shape) for spec in specs}
    if any(np.prod(shape, dtype=object) > _MAX_ELEMENTS for shape in shapes.values()):
        return
    kinds = (0, len(_FILLS) + 1) if fewer else range(len(_FILLS) + 2)
    for kind in kinds:
        yield {spec.name: _filled(spec.datatype, shapes[spec.name], kind) for spec in specs}


def _filled(datatype: str, shape: tuple[int, ...], kind: int) -> NDArray[Any]:
    dtype = DATATYPES[datatype]
    if dtype.kind == "O":
        return np.full(shape, _WORDS[kind], dtype=object)
    count = int(np.prod(shape))
    if kind < len(_FILLS):
        numbers = np.full(count, _FILLS[kind])
    elif kind == len(_FILLS):
        numbers = np.arange(1.0, count + 1)
    else:
        numbers = np.random.default_rng(0).normal(size=count) * 10
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        numbers = np.clip(numbers, max(limits.min, -(2**31)), min(limits.max, 2**31))
    return numbers.astype(dtype).reshape(shape)


def _failure(model: Model, inputs: dict[str, NDArray[Any]]) -> Exception | None:
    """Return what keeps the model from an answer that can be sent; None: nothing does."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            # What a model says of rows that nobody has sent is of no use to anybody.
            warnings.simplefilter("ignore")
            values = model.predict(inputs)
            for spec in model.outputs:
                datatype_of(values[spec.name])
                json_of(values[spec.name])
    # Whatever a framework raises is what is looked for.
    except Exception as error:  # noqa: BLE001
        return error
    return None


def _is_certain(error: Exception) -> bool:
    """Whether this error is never one of values: something is missing that the model is made of."""
    if isinstance(error, ImportError):
        return True
    if isinstance(error, AttributeError):
        # Functions that look something up give None where they find nothing.
        is_of_none = error.name is not None and error.obj is None
        return not is_of_none and (isinstance(error.obj, np.ndarray) or not _runs_other_code(error))
    return isinstance(error, NotImplementedError) and not _runs_other_code(error)


def _is_the_same_whatever_the_values(failures: Sequence[Exception]) -> bool:
    messages = {(type(error), _ADDRESS.sub("", str(error))) for error in failures}
    if len(messages) != 1 or len(failures) < 2:
        return False
    return not (_OF_VALUES.search(str(failures[0])) or any(map(_runs_other_code, failures)))


def _runs_other_code(error: Exception) -> bool:
    """Whether code of the model's own author was at work, which may refuse values in any words."""
    names = (frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__))
    return any(name.partition(".")[0] not in _LIBRARIES for name in names)


def _refused(error: Exception, specs: Sequence[TensorSpec]) -> ModelError:
    taken = ", ".join(f"{spec.name!r} {spec.datatype} {list(spec.shape)}" for spec in specs[:_MAX_NAMED])
    more = ", …" if len(specs) > _MAX_NAMED else ""
    reason = describe(error).rstrip(".")
    return ModelError(
        f"cannot answer any request for {taken}{more}: {reason}: push a model that can, or use an image that "
        "has what it needs; where a request can be answered, record it as the model's example"
    )
