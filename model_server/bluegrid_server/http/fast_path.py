"""HTTP/1.1 as uvicorn speaks it, with a fast path for inference on one model, nearly all that is asked.

Such a request becomes a call as soon as its last byte is here, and its answer is one write: without the ASGI
scope, event, task and messages that take longer than a small model does. What is unusual about a request
(it is large, compressed or of unknown length, waits for `100 Continue`, or comes before the one ahead of it
is answered) sends it the long way, through the application, where it gets the same answer.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import unquote

import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from bluegrid_server.errors import CrashError, RequestError
from bluegrid_server.http.http1 import Http1Protocol
from bluegrid_server.http.observed import CLIENT_GONE, names_of, observe
from bluegrid_server.ipc.pending import PendingRequest
from bluegrid_server.protocol.body import JSON_LENGTH
from bluegrid_server.protocol.messages import Kind, Request, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from bluegrid_server.metrics import Metrics
    from bluegrid_server.protocol.messages import Response
    from bluegrid_server.settings import Settings

_JSON_LENGTH = JSON_LENGTH.lower().encode()
_INFER = b"/infer"

_LARGEST = 2**16
"""Bytes of a body that needs no flow control: what uvicorn reads ahead."""


class Dispatches(Protocol):
    """What has requests answered: the front's dispatcher."""

    def take(self, request: PendingRequest) -> None:
        """Have a request answered; RequestError when it is not."""


class FastPath:
    """What all connections of a server need for it."""

    def __init__(self, settings: Settings, dispatcher: Dispatches, metrics: Metrics) -> None:
        self.dispatcher, self.metrics = dispatcher, metrics
        self.admin_port = settings.admin_port
        self._prefix = f"/modelService/{settings.service}/v2/models/".encode()
        self._names: list[tuple[bytes, bytes]] = []
        self._head = b""

    def uid_of(self, url: bytes) -> str | None:
        """Return the model that a URL asks for inference; None where it is of another kind."""
        if not url.startswith(self._prefix) or not url.endswith(_INFER):
            return None
        uid = url[len(self._prefix) : -len(_INFER)].decode("ascii")
        if "%" in uid:
            uid = unquote(uid)
        return uid if uid and "/" not in uid and "?" not in uid else None

    def head(self, names: list[tuple[bytes, bytes]]) -> bytes:
        """Return the lines of the headers that every answer has; uvicorn makes a new list once a second."""
        if names is not self._names:
            self._names = names
            self._head = b"".join(b"%s: %s\r\n" % header for header in names)
        return self._head


class ModelProtocol(Http1Protocol):
    """One connection."""

    def __init__(self, fast_path: FastPath, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self.fast_path = fast_path

    def on_headers_complete(self) -> None:
        """Choose between the fast path and ASGI."""
        request = None if self.parser.should_upgrade() else self._fast_path_request()
        if request is None:
            super().on_headers_complete()
        else:
            self.cycle = cast("RequestResponseCycle", request)

    def on_message_complete(self) -> None:
        """Dispatch the complete request."""
        if isinstance(self.cycle, FastPathRequest) and not self.parser.should_upgrade():
            self.cycle.dispatch()
        else:
            super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has disconnected."""
        super().connection_lost(exc)
        if isinstance(self.cycle, FastPathRequest):
            self.cycle.client_disconnected()

    def _fast_path_request(self) -> FastPathRequest | None:
        """Return the request if the fast path applies to it; None: it goes through ASGI."""
        uid = self.fast_path.uid_of(self.url)
        is_waiting = self.cycle is not None and not self.cycle.response_complete
        # A client that reads no answers is held up by the application.
        if uid is None or is_waiting or self.flow.write_paused or self.expect_100_continue:
            return None
        parser, headers = self.parser, dict(self.headers)
        length = headers.get(b"content-length", b"")
        if not length.isdigit() or int(length) > _LARGEST or parser.get_method() != b"POST":
            return None
        if parser.get_http_version() != "1.1" or b"content-encoding" in headers:
            return None
        if self.server is not None and self.server[1] == self.fast_path.admin_port:
            return None
        return FastPathRequest(self, uid, headers, keep_alive=parser.should_keep_alive())


class FastPathRequest(PendingRequest):
    """A request that goes the fast path, from its headers to its answer.

    Attributes that a PendingRequest does not have are what uvicorn's protocol knows of its present request.
    """

    message_event = asyncio.Event()
    """Nobody waits for it."""
    more_body = False

    def __init__(
        self, protocol: ModelProtocol, uid: str, headers: Mapping[bytes, bytes], *, keep_alive: bool
    ) -> None:
        length = headers.get(_JSON_LENGTH)
        super().__init__(
            Request(Kind.INFER, uid, json_length=None if length is None else length.decode("latin-1"))
        )
        self.body = b""
        self.keep_alive = keep_alive
        self.disconnected = self.response_complete = False
        self._protocol = protocol
        self._path = protocol.url.decode("ascii")
        self._names = names_of(headers)
        self._is_in_flight = False
        self._started = time.perf_counter()

    def dispatch(self) -> None:
        """Hand the call over, now that the body is here."""
        self._is_in_flight = True
        self.call.body = self.body
        try:
            self._protocol.fast_path.dispatcher.take(self)
        except RequestError as error:
            self.fail(error)
        # A fault of ours: the parser that called would take it for the client's.
        except Exception as error:  # noqa: BLE001
            structlog.get_logger().exception("internal error", kind="INFER", uid=self.call.uid)
            self.fail(CrashError(f"internal error: {type(error).__name__}"))

    def client_disconnected(self) -> None:
        """The client has disconnected."""
        if not self._is_in_flight:
            self._end(CLIENT_GONE)

    def receive(self, part: Response) -> None:
        """Send the answer, which has one part."""
        protocol = self._protocol
        self._end(part.status)
        if protocol.transport.is_closing():
            return
        lines = [STATUS_LINE[part.status], protocol.fast_path.head(protocol.server_state.default_headers)]
        lines += [f"{name}: {value}\r\n".encode() for name, value in part.headers.items()]
        lines += [b"%s: %s\r\n" % header for header in self._names]
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        lines += (b"content-length: %d\r\n\r\n" % len(part.body), part.body)
        protocol.transport.write(b"".join(lines))
        if not self.keep_alive:
            protocol.transport.close()
        protocol.on_response_complete()

    def fail(self, error: RequestError) -> None:
        """Send what is wrong."""
        self.receive(refusal(error))

    def _end(self, status: int) -> None:
        self.response_complete = True
        seconds = time.perf_counter() - self._started
        observe(self._protocol.fast_path.metrics, self._path, status, seconds, self._names)
