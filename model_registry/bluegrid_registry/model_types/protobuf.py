"""Reads the fields of protobuf messages in wire format, without their schema.

https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bluegrid_registry.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types of fields; groups, which are obsolete, are not supported."""

_SIZES = {FIXED64: 8, FIXED32: 4}
_MOST_BYTES = 10
"""Longest varint, in bytes: 64 bits, seven in each byte."""


class Field(NamedTuple):
    """A field of a message."""

    number: int
    kind: int
    value: int
    """The value of a varint; 0 for other kinds."""
    content: memoryview
    """The bytes of a field of any other kind."""


def fields(message: memoryview) -> Iterator[Field]:
    """Yield the fields of a message, in their order.

    Raises:
        FormatError: the message is cut off or damaged.
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
        # protobuf keeps the lower 32 bits of a tag.
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
