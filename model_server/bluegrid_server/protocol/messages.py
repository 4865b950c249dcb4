"""Requests and responses as bytes, the same in all processes.

    Request   from HTTP: its kind, and the bytes of the body
    Response  bytes, status and headers; a long response has several pieces, the last with `is_last`

`infer_request.py` decodes the body of a request to one model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from bluegrid_server.errors import RequestError

JSON = "application/json"

JSON_HEADERS: Mapping[str, str] = MappingProxyType({"content-type": JSON})


class Kind(IntEnum):
    """Kind of a request."""

    INFER = 1
    """Predict by the model `uid`, in the Open Inference Protocol."""
    BATCH = 2
    """Predict by many models."""
    PREDICT = 3
    """Predict in the simple form; the body names the model."""
    DESCRIBE = 4
    """Return the metadata of the model `uid`."""
    STATES = 5
    """Return the state of every model: `{uid: [state, reason]}`."""
    STATE = 6
    """Return the state of the model `uid`: `[state, reason]`."""
    LOAD = 7
    """Load the model `uid`."""
    UNLOAD = 8
    """Unload the model `uid` until it is loaded again."""


@dataclass
class Request:
    """A request that is not decoded yet.

    Attributes:
        kind: of the request.
        uid: the model, if the path names it.
        body: the request's body, unparsed.
        json_length: length of the JSON in the body, in bytes, as the header says; None: all of the body.
    """

    kind: Kind
    uid: str = ""
    body: bytes = b""
    json_length: str | None = None


@dataclass(slots=True)
class Response:
    """A response or a piece of it; status and headers of the first piece hold for all.

    Attributes:
        body: bytes of the body.
        status: HTTP status.
        headers: HTTP headers.
        is_last: whether the response is complete with this piece.
    """

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: JSON_HEADERS)
    is_last: bool = True


@dataclass(slots=True)
class Reply:
    """A response: its first piece, and the pieces that follow; None: the first is the last."""

    first: Response
    rest: AsyncIterator[Response] | None = None


def refusal(error: RequestError) -> Response:
    """Return the response to a request that cannot be answered."""
    return Response(
        orjson.dumps({"error": str(error)}), error.status, {"content-type": JSON, **error.headers}
    )
