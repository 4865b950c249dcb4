"""Reads and writes the fields of protobuf messages in wire format, without their schema.

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


def encoded(field: Field) -> bytes:
    """Return a field in wire format."""
    tag = _encoded_varint(field.number << 3 | field.kind)
    if field.kind == VARINT:
        return tag + _encoded_varint(field.value)
    size = _encoded_varint(len(field.content)) if field.kind == BYTES else b""
    return b"".join((tag, size, field.content))


def nested(number: int, content: bytes) -> bytes:
    """Return a field of strings, bytes or a message in wire format."""
    return encoded(Field(number, BYTES, 0, memoryview(content)))


def integer(number: int, value: int) -> bytes:
    """Return a field of an integer that is not negative in wire format."""
    return encoded(Field(number, VARINT, value, memoryview(b"")))


def varints(content: memoryview) -> Iterator[int]:
    """Yield the integers of a packed field, each as an unsigned number of 64 bits.

    Raises:
        FormatError: the field is cut off or damaged.
    """
    position = 0
    while position < len(content):
        value, position = _varint(content, position)
        yield value


def _encoded_varint(value: int) -> bytes:
    encoding = bytearray()
    while value > 0x7F:
        encoding.append(value & 0x7F | 0x80)
        value >>= 7
    encoding.append(value)
    return bytes(encoding)


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
