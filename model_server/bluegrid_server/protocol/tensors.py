"""Conversion of the protocol's tensors to and from NumPy, as JSON and as binary data.

A missing value is null in JSON. In floating-point tensors it is NaN in NumPy and in binary data. In tensors
of BYTES it is None in NumPy, if the model takes it, and binary data has none.

Binary data is the extension of Triton and KServe: the tensors' bytes follow the JSON, in the order of the
tensors that have a `binary_data_size`. Numbers are little-endian, row by row; each element of BYTES has its
length before it.
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

from __future__ import annotations

import itertools
import math
import reprlib
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_registry.model_types.signature import MAX_DIMENSIONS
from bluegrid_server.errors import InputError
from bluegrid_server.protocol.tensor_spec import Datatype, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

DATATYPES: dict[str, np.dtype[Any]] = {
    Datatype.BOOL: np.dtype(np.bool_),
    **{Datatype(f"UINT{bits}"): np.dtype(f"<u{bits // 8}") for bits in (8, 16, 32, 64)},
    **{Datatype(f"INT{bits}"): np.dtype(f"<i{bits // 8}") for bits in (8, 16, 32, 64)},
    **{Datatype(f"FP{bits}"): np.dtype(f"<f{bits // 8}") for bits in (16, 32, 64)},
    Datatype.BYTES: np.dtype(object),
}
"""NumPy's dtype of each datatype. Elements of BYTES are str if they come as JSON, otherwise bytes."""

_KINDS = {"b": "b", "i": "iu", "u": "iu", "f": "iuf"}
"""By kind of datatype: the kinds of JSON data that it accepts."""
_KIND_NAMES = {
    "b": "booleans only",
    "i": "integers only",
    "u": "integers only",
    "f": "numbers, or null where a value is missing",
}

_NUMBER_OR_NULL = {int, float, type(None)}
"""Types of the elements of JSON data of a floating-point tensor; a bool is none of them."""

_LENGTH = struct.Struct("<I")


def datatype_of(array: NDArray[Any]) -> Datatype:
    """Return the protocol's datatype of an array; raise KeyError if there is none."""
    return _NAMES[array.dtype.newbyteorder("<")]


_NAMES = {dtype: Datatype(name) for name, dtype in DATATYPES.items()}


class BinaryData:
    """The binary data behind a request's JSON, from which the tensors take their bytes in order."""

    def __init__(self, data: bytes | memoryview = b"") -> None:
        self._left = memoryview(data)

    def take(self, name: str, size: Any) -> memoryview:
        """Return the next `size` bytes; raise InputError if there are fewer, or `size` is invalid."""
        if type(size) is not int or not 0 <= size <= len(self._left):
            left = f"{len(self._left)} bytes of binary data are left"
            raise InputError(f"input {name!r}: binary_data_size is {size!r}; {left}")
        taken, self._left = self._left[:size], self._left[size:]
        return taken

    def check_end(self) -> None:
        """Raise InputError if bytes are left over."""
        if self._left:
            raise InputError(f"{len(self._left)} bytes of binary data belong to no input")


def arrays_of(
    inputs: Any, specs: Sequence[TensorSpec], binary: BinaryData | None = None
) -> dict[str, NDArray[Any]]:
    """Return the input tensors of a request, converted to the shapes and datatypes that the model takes.

    Rows of one tensor with named columns can also be given as a tensor for each column, and columns as the
    one table that their specs name.

    Args:
        inputs: the request's `inputs`, unchecked.
        specs: of the model's inputs.
        binary: the request's binary data.

    Raises:
        InputError: the message names the input, what was expected and what was received.
    """
    names = [spec.name for spec in specs]
    if not isinstance(inputs, list) or not all(isinstance(tensor, dict) for tensor in inputs):
        raise InputError(f"inputs: expected a list of tensors: {_listed(names)}")
    binary = binary or BinaryData()
    columns = columns_of(specs)
    table = [table_of(specs)] if specs[0].table else []
    if (tensors := _by_spec(inputs, specs)) is not None:
        arrays = _arrays(tensors, specs, binary)
    elif columns and (tensors := _by_spec(inputs, columns)) is not None:
        arrays = _arrays(tensors, columns, binary)
        arrays = {names[0]: np.hstack([arrays[column.name] for column in columns])}
    elif table and (tensors := _by_spec(inputs, table)) is not None:
        arrays = _arrays(tensors, table, binary)
    else:
        by_column = f", or its columns {_listed([column.name for column in columns])}" if columns else ""
        by_table = f", or {table[0].name!r} with all of them as numbers" if table else ""
        got = [tensor.get("name") for tensor in inputs]
        expected = f"{_listed(names)}{by_column}{by_table}"
        raise InputError(f"inputs: expected {expected}, got {_listed(got) or 'none'}")
    binary.check_end()
    return arrays


def columns_of(specs: Sequence[TensorSpec]) -> list[TensorSpec]:
    """Return the specs of the columns by which a request can give the only input; empty if it cannot."""
    if len(specs) != 1 or not specs[0].columns or len(specs[0].shape) != 2:
        return []
    (table,) = specs
    return [TensorSpec(column, (-1, 1), table.datatype, ignored=table.ignored) for column in table.columns]


def table_of(specs: Sequence[TensorSpec]) -> TensorSpec:
    """Return the spec of the table that a request can give instead of these columns."""
    return TensorSpec(specs[0].table, (-1, len(specs)))


def _by_spec(inputs: Sequence[Any], specs: Sequence[TensorSpec]) -> dict[str, Any] | None:
    """Return a request's tensors by the names of their specs; None: they are not those of the specs."""
    names = {alias: spec.name for spec in specs for alias in spec.aliases}
    names |= {name: name for spec in specs for name in (*spec.ignored, spec.name)}
    got = [tensor.get("name") for tensor in inputs]
    tensors = {
        names[name]: tensor
        for name, tensor in zip(got, inputs, strict=True)
        if isinstance(name, str) and name in names
    }
    # As many as were given: every name is known, and none is given twice.
    are_all = all(spec.name in tensors or spec.optional for spec in specs)
    return tensors if are_all and len(tensors) == len(got) else None


def _arrays(
    tensors: Mapping[str, Any], specs: Sequence[TensorSpec], binary: BinaryData
) -> dict[str, NDArray[Any]]:
    by_name = {spec.name: spec for spec in specs}
    arrays: dict[str, NDArray[Any]] = {}
    for name, tensor in tensors.items():
        if name in by_name:
            arrays[name] = _array(tensor, by_name[name], binary)
        else:
            _skip(tensor, name, binary)
    if len(specs) > 1 and all(spec.is_column for spec in specs):
        rows = {len(array) for array in arrays.values()}
        if len(rows) > 1:
            counts = ", ".join(f"{name!r} has {len(array)}" for name, array in arrays.items())
            raise InputError(f"inputs: columns must have the same number of rows: {counts}")
    return arrays


def _listed(names: Sequence[Any]) -> str:
    return ", ".join(map(repr, names))


def _array(tensor: Mapping[str, Any], spec: TensorSpec, binary: BinaryData) -> NDArray[Any]:
    datatype = tensor.get("datatype")
    dtype = DATATYPES.get(datatype) if isinstance(datatype, str) else None
    expected = DATATYPES[spec.datatype]
    if dtype is None:
        known = ", ".join(DATATYPES)
        raise InputError(f"input {spec.name!r}: {datatype!r} is not a datatype; known: {known}")
    are_digits = spec.takes_integers and dtype.kind in "biuf"
    fits = (dtype.kind == "O") is (expected.kind == "O") and np.can_cast(dtype, expected, "safe")
    # Whole numbers are INT64 in most clients, whatever the model takes: their values decide.
    may_fit = dtype.kind in "iu" and expected.kind in "iuf"
    if not (fits or may_fit or are_digits):
        raise InputError(
            f"input {spec.name!r}: expected datatype {spec.datatype} or one that fits into it, got {datatype}"
        )
    shape = _shape(_as_column(tensor.get("shape"), spec), spec)
    parameters = tensor.get("parameters")
    parameters = {} if parameters is None else parameters
    if not isinstance(parameters, dict):
        raise InputError(f"input {spec.name!r}: parameters must be an object")
    size = parameters.get("binary_data_size")
    if parameters.get("shared_memory_region") is not None:
        raise InputError(f"input {spec.name!r}: shared memory is not supported; send the data")
    if size is None:
        array = _from_json(tensor.get("data"), dtype, shape, spec.name, takes_null=spec.takes_null)
    elif tensor.get("data") is not None:
        raise InputError(f"input {spec.name!r}: has both data and binary_data_size")
    else:
        array = _from_binary(binary.take(spec.name, size), dtype, shape, spec.name)
    if are_digits:
        return _objects(_digits(array, spec), shape)
    if not fits:
        _check_limits(array, expected, spec.name)
    return array.astype(expected, copy=False)


def _digits(array: NDArray[Any], spec: TensorSpec) -> list[str | None]:
    numbers = array.reshape(-1).tolist()
    # NaN, a missing value, is the only value that differs from itself.
    if not all(number == int(number) if number == number else spec.takes_null for number in numbers):
        raise InputError(f"input {spec.name!r}: expected strings or integers, got a number that is neither")
    return [str(int(number)) if number == number else None for number in numbers]


def _skip(tensor: Mapping[str, Any], name: str, binary: BinaryData) -> None:
    parameters = tensor.get("parameters")
    if isinstance(parameters, dict) and (size := parameters.get("binary_data_size")) is not None:
        binary.take(name, size)


def _as_column(shape: Any, spec: TensorSpec) -> Any:
    return [*shape, 1] if spec.is_column and isinstance(shape, list) and len(shape) == 1 else shape


def _shape(shape: Any, spec: TensorSpec) -> tuple[int, ...]:
    if isinstance(shape, list) and all(type(size) is int and size > 0 for size in shape):
        sizes = tuple(shape)
        if spec.any_rank and len(sizes) <= MAX_DIMENSIONS:
            return sizes
        if len(sizes) == len(spec.shape) and all(
            fixed in (-1, size) for size, fixed in zip(sizes, spec.shape, strict=True)
        ):
            return sizes
    got = reprlib.repr(shape)
    if spec.any_rank:
        raise InputError(
            f"input {spec.name!r}: expected a shape of at most {MAX_DIMENSIONS} sizes n >= 1, got {got}"
        )
    expected = ", ".join("n" if size == -1 else str(size) for size in spec.shape)
    any_size = " with n >= 1" if -1 in spec.shape else ""
    raise InputError(f"input {spec.name!r}: expected shape [{expected}]{any_size}, got {got}")


def _from_json(
    data: Any, dtype: np.dtype[Any], shape: tuple[int, ...], name: str, *, takes_null: bool
) -> NDArray[Any]:
    if dtype.kind == "O":
        return _strings(data, shape, name, takes_null=takes_null)
    try:
        array = np.array(data)
    except (ValueError, OverflowError):
        raise InputError(f"input {name!r}: data is ragged; shape says {list(shape)}") from None
    if array.dtype.kind not in _KINDS[dtype.kind]:
        # NumPy turns integers beyond int64 into floats, except with dtype object.
        array = array if array.dtype.kind == "O" else np.array(data, dtype=object)
        types = {*map(type, array.reshape(-1).tolist())}
        if dtype.kind == "f" and types <= _NUMBER_OR_NULL:
            array = array.astype(np.float64)
        elif dtype.kind not in "iu" or not types <= {int}:
            raise InputError(f"input {name!r}: data must hold {_KIND_NAMES[dtype.kind]}")
    _check_shape(array.shape, shape, name)
    if dtype.kind in "iu" and array.dtype != dtype:
        _check_limits(array, dtype, name)
    with np.errstate(over="ignore"):
        cast = array.astype(dtype, copy=False).reshape(shape)
    if dtype.kind == "f" and np.isinf(cast).any():
        raise InputError(f"input {name!r}: data must lie between {np.finfo(dtype).min} and its opposite")
    return cast


def _check_limits(array: NDArray[Any], dtype: np.dtype[Any], name: str) -> None:
    """Raise InputError if integers do not fit into a datatype of numbers without loss."""
    if dtype.kind == "f":
        # Floating-point numbers hold every integer up to here.
        highest = 2 ** (np.finfo(dtype).nmant + 1)
        lowest = -highest
    else:
        lowest, highest = np.iinfo(dtype).min, np.iinfo(dtype).max
    if array.min() < lowest or array.max() > highest:
        raise InputError(f"input {name!r}: data must lie between {lowest} and {highest}")


def _strings(data: Any, shape: tuple[int, ...], name: str, *, takes_null: bool) -> NDArray[Any]:
    sizes: list[int] = []
    flat = data
    while isinstance(flat, list) and flat and isinstance(flat[0], list):
        lengths = {len(part) if isinstance(part, list) else -1 for part in flat}
        sizes.append(len(flat) // math.prod(sizes))
        if len(lengths) > 1 or len(sizes) >= len(shape):
            raise InputError(f"input {name!r}: data is ragged; shape says {list(shape)}")
        flat = list(itertools.chain.from_iterable(flat))
    types = str | None if takes_null else str
    if not isinstance(flat, list) or not all(isinstance(element, types) for element in flat):
        expected = "strings, or null where a value is missing" if takes_null else "strings only"
        raise InputError(f"input {name!r}: data must hold {expected}")
    sizes.append(len(flat) // math.prod(sizes))
    _check_shape(tuple(sizes), shape, name)
    return _objects(flat, shape)


def _objects(elements: Sequence[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    array = np.empty(len(elements), dtype=object)
    array[:] = elements
    return array.reshape(shape)


def _check_shape(data_shape: tuple[int, ...], shape: tuple[int, ...], name: str) -> None:
    if data_shape not in (shape, (math.prod(shape),)):
        raise InputError(f"input {name!r}: shape says {list(shape)}, data has shape {list(data_shape)}")


def _from_binary(data: memoryview, dtype: np.dtype[Any], shape: tuple[int, ...], name: str) -> NDArray[Any]:
    count = math.prod(shape)
    if dtype.kind == "O":
        elements = _elements(data, name)
        _check_shape((len(elements),), (count,), name)
        return _objects(elements, shape)
    if len(data) != count * dtype.itemsize:
        raise InputError(
            f"input {name!r}: shape says {list(shape)}, which is {count * dtype.itemsize} bytes; "
            f"binary_data_size is {len(data)}"
        )
    array = np.frombuffer(data, dtype).reshape(shape)
    if dtype.kind == "f" and np.isinf(array).any():
        raise InputError(f"input {name!r}: data must hold finite numbers, or NaN where a value is missing")
    return array


def _elements(data: memoryview, name: str) -> list[bytes]:
    elements, position = [], 0
    while position < len(data):
        start = position + _LENGTH.size
        end = start + (_LENGTH.unpack_from(data, position)[0] if start <= len(data) else 0)
        if not start <= end <= len(data):
            raise InputError(f"input {name!r}: an element of its binary data is cut off")
        elements.append(bytes(data[start:end]))
        position = end
    return elements


def binary_of(array: NDArray[Any]) -> bytes:
    """Return an array's bytes as binary data."""
    if array.dtype.kind != "O":
        return array.astype(DATATYPES[datatype_of(array)], copy=False).tobytes()
    raw = [element if isinstance(element, bytes) else str(element).encode() for element in array.reshape(-1)]
    return b"".join(_LENGTH.pack(len(element)) + element for element in raw)


def json_data_of(array: NDArray[Any]) -> Any:
    """Return an array as data for the protocol's JSON: row by row, without nesting."""
    if array.dtype.kind == "O":
        return [
            element.decode(errors="replace") if isinstance(element, bytes) else str(element)
            for element in array.reshape(-1)
        ]
    if array.dtype == np.float16:
        # orjson cannot write half precision.
        array = array.astype(np.float32)
    return np.ascontiguousarray(array).reshape(-1)
