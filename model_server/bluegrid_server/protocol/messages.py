"""A request to the models and its response, whichever process has them."""

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
    """What a call asks for."""

    INFER = 1
    """The answer of the model `uid` to a request of the Open Inference Protocol."""
    BATCH = 2
    """The answers of many models."""
    PREDICT = 3
    """The answer in the form for people; the body names the model."""
    DESCRIBE = 4
    """What the model `uid` takes and gives."""
    STATES = 5
    """The state of every model, and why: `{uid: [state, reason]}`."""
    STATE = 6
    """The same of the model `uid`."""
    LOAD = 7
    """The model `uid` in memory."""
    UNLOAD = 8
    """The model `uid` out of memory, until it is loaded again."""


@dataclass(slots=True)
class Request:
    """A request, as a worker gets it.

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
    """An answer, or the next piece of one; status and headers are those of the first.

    Attributes:
        body: bytes of the answer's body.
        status: HTTP status.
        headers: HTTP headers.
        is_last: whether the answer is whole with it.
    """

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: JSON_HEADERS)
    is_last: bool = True


@dataclass(slots=True)
class Reply:
    """An answer: its first part, and those that follow if that is not the last."""

    first: Response
    rest: AsyncIterator[Response] | None = None


def refusal(error: RequestError) -> Response:
    """The answer to a request that cannot be answered."""
    return Response(
        orjson.dumps({"error": str(error)}), error.status, {"content-type": JSON, **error.headers}
    )
