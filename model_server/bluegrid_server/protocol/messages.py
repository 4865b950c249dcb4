"""Requests and responses as they come in and go out, whichever process has the models.

    Request   as HTTP brings it: what is asked for, and the bytes of the body
    Response  bytes, status and headers; a long answer is several, the last with `is_last`

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
    """What a request asks for."""

    INFER = 1
    """The predictions of the model `uid`, in the Open Inference Protocol."""
    BATCH = 2
    """The predictions of many models."""
    PREDICT = 3
    """Predictions in the form for people; the body names the model."""
    DESCRIBE = 4
    """What the model `uid` takes and returns."""
    STATES = 5
    """The state of every model, and why: `{uid: [state, reason]}`."""
    STATE = 6
    """The state of the model `uid`, likewise."""
    LOAD = 7
    """Load the model `uid`."""
    UNLOAD = 8
    """Unload the model `uid` until it is loaded again."""


@dataclass
class Request:
    """A request that is not decoded yet.

    Attributes:
        kind: what is asked for.
        uid: the model, where the path names it.
        body: the request's body, unparsed.
        json_length: how many bytes of the body are JSON, as the header says; None: all.
    """

    kind: Kind
    uid: str = ""
    body: bytes = b""
    json_length: str | None = None


@dataclass(slots=True)
class Response:
    """A response, or the next piece of one; status and headers are those of the first.

    Attributes:
        body: bytes of the response's body.
        status: HTTP status.
        headers: HTTP headers.
        is_last: whether the response is complete with it.
    """

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: JSON_HEADERS)
    is_last: bool = True


@dataclass(slots=True)
class Reply:
    """A response: its first piece, and those that follow unless that is the last."""

    first: Response
    rest: AsyncIterator[Response] | None = None


def refusal(error: RequestError) -> Response:
    """Return the response to a request that cannot be answered."""
    return Response(
        orjson.dumps({"error": str(error)}), error.status, {"content-type": JSON, **error.headers}
    )
