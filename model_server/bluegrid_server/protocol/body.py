"""Bodies of requests and responses: JSON, and binary data behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from bluegrid_server.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

JSON_LENGTH = "Inference-Header-Content-Length"
"""Header with the length of the JSON that precedes binary data, in bytes."""

NOT_AN_OBJECT = "the body must be a JSON object"


def parsed(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body.

    Raises:
        InputError: the body is not a JSON object.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise not_json(error) from None
    if not isinstance(document, dict):
        raise InputError(NOT_AN_OBJECT)
    return document


def not_json(error: orjson.JSONDecodeError) -> InputError:
    """Return the error of a body that cannot be parsed."""
    # Python's json module writes these words unless it is told otherwise.
    is_word = error.doc.startswith(("NaN", "Infinity"), error.pos)
    remedy = "; write null where a value is missing, not NaN or Infinity" if is_word else ""
    return InputError(f"the body is not JSON: {error}{remedy}")


def split(body: bytes, json_length: str | None) -> tuple[bytes, bytes]:
    """Return a body's JSON and the binary data behind it; without the header, all of the body is JSON.

    Raises:
        InputError: the header is not a length within the body.
    """
    if json_length is None:
        return body, b""
    length = int(json_length) if json_length.isascii() and json_length.isdigit() else -1
    if not 0 <= length <= len(body):
        raise InputError(f"{JSON_LENGTH}: {json_length!r} is not a length within {len(body)} bytes")
    return body[:length], body[length:]


def json_of(document: Any) -> bytes:
    """Return a document as JSON; it may hold NumPy arrays."""
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def with_binary(document: Any, binary: Sequence[bytes]) -> tuple[bytes, int]:
    """Return JSON with binary data behind it, and the length of the JSON."""
    content = json_of(document)
    return b"".join((content, *binary)), len(content)
