"""Recorded examples: a loaded model must give the outputs that were recorded when it was trained.

Requests are decoded as those of HTTP are. Numbers are compared within the tolerance of their output; integers
exactly unless the example gives their output a tolerance; strings and booleans exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_registry.errors import ModelError
from bluegrid_registry.formats.example import Example, request_of
from bluegrid_registry.formats.recorded_tensor import FLOATS, INTEGERS
from bluegrid_server.errors import InputError
from bluegrid_server.frameworks.errors import describe
from bluegrid_server.frameworks.model import outputs_of
from bluegrid_server.protocol.requests import InferRequest
from bluegrid_server.protocol.tensors import DATATYPES, json_data_of, table_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from bluegrid_registry.formats.example import AnyExample, RecordedExample
    from bluegrid_registry.formats.recorded_tensor import RecordedTensor
    from bluegrid_server.frameworks.model import Model

_NUMBERS = "fiu"
"""Kinds of NumPy's dtypes that hold numbers."""
_RETRAIN = "train and push it with the library versions of the image"


def reproduce(model: Model, examples: Sequence[AnyExample]) -> None:
    """Let a model answer its recorded examples.

    Raises:
        ModelError: an answer differs; the message continues after "model <uid>".
    """
    for number, example in enumerate(examples, start=1):
        name = (
            "its recorded example"
            if len(examples) == 1
            else f"its recorded example {number} of {len(examples)}"
        )
        if isinstance(example, Example):
            _reproduce_rows(model, example, name)
        else:
            _reproduce_response(model, example, name)


def _reproduce_rows(model: Model, example: Example, name: str) -> None:
    expected = np.array(example.outputs, dtype=np.float64)
    # A booster with categories takes rows of numbers with their codes.
    spec, *more = [table_of(model.inputs)] if model.inputs[0].table else model.inputs
    if more:
        raise ModelError(
            f"has {len(model.inputs)} inputs; rows of numbers are recorded examples for models with one: "
            "record a request and its response"
        )
    # None becomes NaN.
    rows = np.array(example.inputs, dtype=np.float64)
    if DATATYPES[spec.datatype].kind != "f" and np.isnan(rows).any():
        raise ModelError(f"takes {spec.datatype}, {name} has a missing value; record it again")
    rows = rows.astype(DATATYPES[spec.datatype])
    if len(spec.shape) == 2 and spec.shape[1] not in (-1, rows.shape[1]):
        raise ModelError(f"takes {spec.shape[1]} features, {name} has {rows.shape[1]}; record it again")
    try:
        # Outputs of shape (n, 1) count as (n,).
        got = next(iter(model.predict({spec.name: rows}).values()))
        got = got.reshape(-1) if got.shape == (len(expected), 1) else got
    # Any exception of a framework means that the model cannot answer its example.
    except Exception as error:
        raise ModelError(f"cannot answer {name}: {describe(error)}") from error
    if got.shape != expected.shape or got.dtype.kind not in "fiub":
        raise ModelError(
            f"answers {name} with {got.dtype} of shape {got.shape}, "
            f"recorded were numbers of shape {expected.shape}: "
            "push a model that gives one number a row, or record a request and its response"
        )
    wrong = _wrong_numbers(got, expected, example.rtol, example.atol)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ModelError(
            f"does not reproduce {name}: row {row}: expected {_expected(example.outputs[row])}, "
            f"got {got[row]!s} (rtol {example.rtol}, atol {example.atol}): {_RETRAIN}"
        )


def _reproduce_response(model: Model, example: RecordedExample, name: str) -> None:
    known = [spec.name for spec in model.outputs]
    if missing := [each.name for each in example.response.outputs if each.name not in known]:
        raise ModelError(
            f"has no output {missing[0]!r}, which {name} has; it gives {', '.join(known)}: record it again"
        )
    got = _answer(model, example, name)
    for tensor in example.response.outputs:
        _compare(tensor, got[tensor.name], example, f"{name}: output {tensor.name!r}")


def _answer(model: Model, example: RecordedExample, name: str) -> Mapping[str, NDArray[Any]]:
    try:
        request = InferRequest(request_of(example), model.inputs, model.outputs)
        return outputs_of(model, request.inputs, request.outputs, request.on_request)
    except InputError as error:
        raise ModelError(f"cannot answer {name}: {error}; record it again") from error
    # Any exception of a framework means that the model cannot answer its example.
    except Exception as error:
        raise ModelError(f"cannot answer {name}: {describe(error)}") from error


def _compare(tensor: RecordedTensor, got: NDArray[Any], example: RecordedExample, name: str) -> None:
    """Raise ModelError, whose message names the first element that differs, if one does."""
    if not _is_alike(tensor, got):
        raise ModelError(
            f"does not reproduce {name}: expected {tensor.datatype} of shape {list(tensor.shape)}, "
            f"got {got.dtype} of shape {list(got.shape)}: record it again, or push the model that it is of"
        )
    rtol, atol = example.tolerance(tensor.name)
    is_exact = not (
        tensor.datatype in FLOATS
        or (tensor.datatype in INTEGERS and tensor.name in (example.tolerances or {}))
    )
    if is_exact:
        values = json_data_of(got) if got.dtype.kind == "O" else got.reshape(-1).tolist()
        wrong = np.array([one != other for one, other in zip(values, tensor.data, strict=True)], dtype=bool)
        within = ""
    else:
        values = got.reshape(-1).astype(np.float64)
        wrong = _wrong_numbers(values, np.array(tensor.data, dtype=np.float64), rtol, atol)
        within = f" (rtol {rtol}, atol {atol})"
    if wrong.any():
        first = int(np.argmax(wrong))
        also = f"; {np.count_nonzero(wrong)} of {wrong.size} differ" if wrong.size > 1 else ""
        place, expected = _place(first, tensor.shape), _expected(tensor.data[first])
        raise ModelError(
            f"does not reproduce {name}, {place}: expected {expected}, "
            f"got {_shown(values[first])}{within}{also}: {_RETRAIN}"
        )


def _wrong_numbers(
    got: NDArray[Any], expected: NDArray[np.float64], rtol: float, atol: float
) -> NDArray[np.bool_]:
    """Return where `got` differs; NaN in `expected` stands for any number that is not finite."""
    wrong: NDArray[np.bool_] = ~np.isclose(got, expected, rtol=rtol, atol=atol)
    return np.where(np.isnan(expected), np.isfinite(got), wrong)


def _is_alike(tensor: RecordedTensor, got: NDArray[Any]) -> bool:
    """Whether an array is of the recorded kind and shape; dimensions of one element do not count."""
    kinds = {"BOOL": "b", "BYTES": "OSU"}.get(tensor.datatype, _NUMBERS)
    shapes = ([size for size in shape if size != 1] for shape in (tensor.shape, got.shape))
    recorded, answered = shapes
    return got.dtype.kind in kinds and recorded == answered


def _place(index: int, shape: Sequence[int]) -> str:
    place = [int(each) for each in np.unravel_index(index, shape)]
    if len(place) == 1:
        return f"row {place[0]}"
    return f"row {place[0]}, column {place[1]}" if len(place) == 2 else f"element {place}"


def _expected(recorded: Any) -> str:
    return "a number that is not finite" if recorded is None else repr(recorded)


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, np.floating) else repr(value)
