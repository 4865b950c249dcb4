"""Protobuf messages on the wire, field by field, without their schema.

https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bluegrid_registry.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""The wire type of a field; groups, which are obsolete, are not read."""

_SIZES = {FIXED64: 8, FIXED32: 4}
_MOST_BYTES = 10
"""Of a varint: 64 bits, seven in a byte."""


class Field(NamedTuple):
    """A field of a message."""

    number: int
    kind: int
    value: int
    """Of a varint."""
    content: memoryview
    """Of any other kind."""


def fields(message: memoryview) -> Iterator[Field]:
    """Return the fields of a message, in their order.

    Raises:
        FormatError: it is cut off, or not a message.
    """
    position, end = 0, len(message)
    while position < end:
        tag, position = _varint(message, position)
        kind, value = tag & 7, 0
        start = position
        if kind == VARINT:
            value, position = _varint(message, position)
        elif kind == BYTES:
            size, start = _varint(message, position)
            position = start + size
        elif kind in _SIZES:
            position += _SIZES[kind]
        else:
            raise FormatError("is damaged")
        if position > end:
            raise FormatError("is cut off")
        # Of a tag protobuf keeps 32 bits.
        yield Field((tag & 0xFFFFFFFF) >> 3, kind, value, message[start:position])


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for count in range(_MOST_BYTES):
        if position + count >= len(data):
            raise FormatError("is cut off")
        byte = data[position + count]
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, position + count + 1
    raise FormatError("is damaged")
