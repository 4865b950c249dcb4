"""Tensors of the Open Inference Protocol to and from NumPy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from model_server.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from model_server.loaders import TensorSpec

_FLOATS = frozenset({"FP32", "FP64"})
_INTEGERS = frozenset({"INT8", "INT16", "INT32", "INT64"})


def rows_of(inputs: Any, spec: TensorSpec) -> NDArray[np.float64]:
    """Return the one input tensor of a request as rows of float64.

    Args:
        inputs: the request's `inputs`, from anywhere.
        spec: what the model takes.

    Raises:
        InputError: names the input, what was expected and what was there.
    """
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise InputError(f"inputs: expected a list of one tensor, {spec.name!r}")
    tensor = inputs[0]
    name, datatype = tensor.get("name"), tensor.get("datatype")
    if name != spec.name:
        raise InputError(f"input {name!r}: expected {spec.name!r}")
    if datatype not in _FLOATS and datatype not in _INTEGERS:
        raise InputError(
            f"input {name!r}: expected datatype {spec.datatype} (FP32 and INT8 to INT64 are taken too), "
            f"got {datatype!r}"
        )
    shape = _shape(tensor.get("shape"), spec)
    return _numbers(tensor.get("data"), shape, spec, integers=datatype in _INTEGERS)


def _shape(shape: Any, spec: TensorSpec) -> tuple[int, int]:
    columns = spec.shape[1]
    match shape:
        case [int(rows), int(given)] if rows > 0 and given == columns:
            return rows, columns
    raise InputError(f"input {spec.name!r}: expected shape [n, {columns}] with n >= 1, got {shape!r}")


def _numbers(data: Any, shape: tuple[int, int], spec: TensorSpec, *, integers: bool) -> NDArray[np.float64]:
    try:
        array = np.array(data)
    except ValueError:
        raise InputError(f"input {spec.name!r}: data is ragged; shape says {list(shape)}") from None
    if array.dtype.kind not in ("iu" if integers else "iuf"):
        what = "integers" if integers else "numbers"
        raise InputError(f"input {spec.name!r}: data must hold {what} only")
    if array.shape not in (shape, (math.prod(shape),)):
        raise InputError(f"input {spec.name!r}: shape says {list(shape)}, data has shape {list(array.shape)}")
    return array.astype(np.float64, copy=False).reshape(shape)


def tensor_of(values: NDArray[np.float64], spec: TensorSpec) -> dict[str, Any]:
    """Return an output tensor as JSON has it."""
    return {"name": spec.name, "shape": values.shape, "datatype": spec.datatype, "data": values}
