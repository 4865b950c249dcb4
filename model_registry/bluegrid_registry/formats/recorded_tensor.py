"""A tensor of a recorded request or response: the Open Inference Protocol's, with its data as JSON.

Data is kept row by row, without nesting. `null` in floating-point data, or NaN from Python, is a number that
is not finite: in a request a missing value, in a response an answer that is no number. `null` in strings is a
missing value.
"""

from __future__ import annotations

import itertools
import math
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator, model_validator

from bluegrid_registry.frozen import Frozen
from bluegrid_registry.model_types.signature import MAX_DIMENSIONS

_INTEGERS = {f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)}
_OVERFLOWS = {"FP16": 65520.0, "FP32": (2 - 2**-24) * 2.0**127, "FP64": math.inf}
"""The least number that each floating-point datatype rounds to infinity (IEEE 754)."""

DATATYPES = ("BOOL", *sorted(_INTEGERS), *sorted(_OVERFLOWS), "BYTES")
"""The protocol's datatypes."""

FLOATS = frozenset(_OVERFLOWS)
INTEGERS = frozenset(_INTEGERS)

Dimension = Annotated[int, Field(ge=0, lt=2**63, strict=True)]


class RecordedTensor(Frozen):
    """A named tensor with its data."""

    name: Annotated[str, Field(min_length=1)]
    shape: Annotated[tuple[Dimension, ...], Field(max_length=MAX_DIMENSIONS)]
    datatype: str
    data: tuple[Any, ...]
    """The elements, row by row: numbers, booleans or strings; None for a missing value or one not finite."""

    @model_validator(mode="before")
    @classmethod
    def _without_parameters(cls, document: Any) -> Any:
        """Leave out the protocol's `parameters`, which say nothing about the data of a JSON tensor."""
        if not isinstance(document, dict):
            return document
        parameters = document.get("parameters")
        if isinstance(parameters, dict) and parameters.get("binary_data_size") is not None:
            raise ValueError("has binary data; record its data as JSON")
        return {key: value for key, value in document.items() if key != "parameters"}

    @field_validator("datatype")
    @classmethod
    def _is_known(cls, datatype: str) -> str:
        if datatype not in DATATYPES:
            raise ValueError(f"{datatype!r} is not a datatype; known: {', '.join(DATATYPES)}")
        return datatype

    @field_validator("data", mode="before")
    @classmethod
    def _fits(cls, data: Any, info: ValidationInfo) -> Any:
        # If another field is wrong, its own mistake is reported.
        if not {"shape", "datatype"} <= info.data.keys():
            return ()
        # From Python, data may be a NumPy array, which this distribution does not import.
        elements = data.tolist() if hasattr(data, "tolist") else data
        return tuple(_checked(_flat(elements, info.data["shape"]), info.data["datatype"]))


def _flat(data: Any, shape: tuple[int, ...]) -> list[Any]:
    """Return the elements of nested or flat data row by row; ValueError if they do not have the shape."""
    if not isinstance(data, list | tuple):
        raise ValueError("expected a list")  # noqa: TRY004 - pydantic expects it
    sizes, level = [len(data)], list(data)
    while level and isinstance(level[0], list | tuple):
        lengths = {len(part) if isinstance(part, list | tuple) else -1 for part in level}
        if len(lengths) > 1:
            raise ValueError(f"is ragged; shape says {list(shape)}")
        sizes.append(lengths.pop())
        level = list(itertools.chain.from_iterable(level))
    if any(isinstance(element, list | tuple) for element in level):
        raise ValueError(f"is ragged; shape says {list(shape)}")
    if tuple(sizes) not in (shape, (math.prod(shape),)):
        has = f"has shape {sizes}" if len(sizes) > 1 else f"has {sizes[0]} elements"
        raise ValueError(f"{has}; shape says {list(shape)}, which is {math.prod(shape)}")
    return level


def _checked(elements: list[Any], datatype: str) -> list[Any]:
    """Return the elements as the datatype has them; ValueError if one does not belong to it."""
    types = {type(element) for element in elements}
    if datatype in FLOATS:
        return _numbers(elements, types, datatype)
    if datatype in INTEGERS:
        _require(types <= {int}, f"integers only, as {datatype} has")
        bits = int(datatype.removeprefix("U").removeprefix("INT"))
        least, end = (0, 2**bits) if datatype.startswith("U") else (-(2 ** (bits - 1)), 2 ** (bits - 1))
        is_within = all(least <= element < end for element in elements)
        _require(is_within, f"integers from {least} to {end - 1}, as {datatype} has")
    elif datatype == "BOOL":
        _require(types <= {bool}, "true and false only, as BOOL has")
    else:
        _require(types <= {str, type(None)}, "strings only (or null), as BYTES has")
        try:
            "".join(filter(None, elements)).encode()
        except UnicodeEncodeError:
            raise ValueError("holds a string that is not valid Unicode") from None
    return elements


def _numbers(elements: list[Any], types: set[type], datatype: str) -> list[float | None]:
    # Subclasses too, since NumPy's FP64 numbers are floats.
    is_number = all(issubclass(each, float | int | None) and each is not bool for each in types)
    _require(is_number, f"numbers only (or null), as {datatype} has")
    end = _OVERFLOWS[datatype]
    try:
        numbers = [None if each is None or math.isnan(each) else float(each) for each in elements]
    except OverflowError:
        numbers = [math.inf]
    is_within = all(each is None or abs(each) < end for each in numbers)
    _require(is_within, f"finite numbers of {datatype} only; null stands for one that is not finite")
    return numbers


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"must hold {what}")
