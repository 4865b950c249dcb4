"""uvicorn's HTTP/1.1 with a fast path for inference by one model, the kind of nearly all requests.

Such a request is dispatched as soon as its last byte has arrived, and its response is one write: without the
ASGI scope, event, task and messages, which take longer than a small model. Unusual requests (large,
compressed, of unknown length, waiting for `100 Continue`, or sent before the response to the previous one)
go through the application and get the same response.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import unquote

import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from bluegrid_registry.contract import SHARD_HEADER
from bluegrid_server.errors import CrashError, RequestError
from bluegrid_server.http.compressing import SMALLEST, Deflating, coding_for, headers_of
from bluegrid_server.http.http1 import Http1Protocol
from bluegrid_server.http.instrumentation import CLIENT_GONE, count_remarks, names_of, observe
from bluegrid_server.http.model_route import VERSIONS
from bluegrid_server.ipc.pending import PendingRequest
from bluegrid_server.protocol.body import JSON_LENGTH
from bluegrid_server.protocol.requests import JSON_HEADERS, Kind, Response, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from bluegrid_server.metrics import Metrics
    from bluegrid_server.settings import Settings

_JSON_LENGTH = JSON_LENGTH.lower().encode()
_SHARD = SHARD_HEADER.lower().encode()
_VERSION = "bluegrid-version"
CYCLE = "bluegrid.cycle"
"""Key of uvicorn's object for a request in its ASGI scope: it has the default headers of the response."""

_LARGEST = 2**16
"""Maximum size of a body that needs no flow control, in bytes: what uvicorn reads ahead."""


class Dispatches(Protocol):
    """Accepts requests to be answered: the front's dispatcher, or that of a shard."""

    def dispatch(self, pending: FastPathRequest) -> None:
        """Have a request answered; raise RequestError if it is not accepted."""


class FastPath:
    """State that the connections of a server share.

    Attributes:
        target: matches the URL of an inference request; its group is the UID, perhaps percent-encoded.
        is_shard: whether requests may come from pods of other shards.
        default_headers: headers of every response; uvicorn makes a new list once a second.
        head: the default headers as bytes.
    """

    def __init__(self, settings: Settings, dispatcher: Dispatches, metrics: Metrics) -> None:
        self.dispatcher, self.metrics = dispatcher, metrics
        self.admin_port = settings.admin_port
        self.is_shard = settings.shard is not None
        base = rb"/modelService/%s/v2/models/" % settings.service.encode()
        self.target = re.compile(base + rb"([^/?]+)/infer")
        self._target_with_slashes = re.compile(base + rb"([^/?][^?]*[^/?])/infer")
        self.default_headers: list[tuple[bytes, bytes]] = []
        self.head = b""

    def with_slashes(self, url: bytes) -> re.Match[bytes] | None:
        """Match an inference request whose UID has slashes that are not encoded; see `model_route`."""
        match = self._target_with_slashes.fullmatch(url)
        return None if match is None or VERSIONS in match[1] else match

    def set_default_headers(self, headers: list[tuple[bytes, bytes]]) -> None:
        """Set the headers of every response."""
        self.default_headers = headers
        self.head = b"".join(b"%s: %s\r\n" % header for header in headers)

    def head_beside(self, headers: Mapping[str, str]) -> bytes:
        """Return the default headers of a response, except those that it has itself.

        A shard of another version has answered, during a rolling update.
        """
        if _VERSION not in headers:
            return self.head
        others = (each for each in self.default_headers if each[0].decode().lower() not in headers)
        return b"".join(b"%s: %s\r\n" % header for header in others)


class ModelProtocol(Http1Protocol):
    """One connection."""

    def __init__(self, fast_path: FastPath, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self.fast_path = fast_path

    def on_headers_complete(self) -> None:
        """Choose between the fast path and ASGI."""
        match = self.fast_path.target.fullmatch(self.url) or self.fast_path.with_slashes(self.url)
        parser, headers = self.parser, dict(self.headers)
        length = headers.get(b"content-length", b"")
        if (
            match is None
            or parser.should_upgrade()
            or (self.cycle is not None and not self.cycle.response_complete)
            # Only the application holds up a client that does not read responses.
            or self.flow.write_paused
            or self.expect_100_continue
            or not length.isdigit()
            or int(length) > _LARGEST
            or parser.get_method() != b"POST"
            or parser.get_http_version() != "1.1"
            or b"content-encoding" in headers
            or (self.server is not None and self.server[1] == self.fast_path.admin_port)
        ):
            super().on_headers_complete()
            cast("dict[str, Any]", self.scope)[CYCLE] = self.cycle
            return
        uid = match[1].decode("ascii")
        if "%" in uid:
            uid = unquote(uid)
        request = FastPathRequest(self, uid, headers, keep_alive=parser.should_keep_alive())
        self.cycle = cast("RequestResponseCycle", request)

    def on_message_complete(self) -> None:
        """Dispatch the complete request."""
        pending = self.cycle
        if not isinstance(pending, FastPathRequest) or self.parser.should_upgrade():
            super().on_message_complete()
            return
        pending.is_in_flight = True
        try:
            self.fast_path.dispatcher.dispatch(pending)
        except RequestError as error:
            pending.fail(error)
        # A bug in the server: the parser that called would report it as the client's error.
        except Exception as error:  # noqa: BLE001
            structlog.get_logger().exception("internal error", kind="INFER", uid=pending.uid)
            pending.fail(CrashError(f"internal error: {type(error).__name__}"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle the end of the connection."""
        super().connection_lost(exc)
        if isinstance(self.cycle, FastPathRequest):
            self.cycle.client_disconnected()


class FastPathRequest(PendingRequest):
    """A request on the fast path, from its headers to its response.

    Attributes that neither PendingRequest has nor this text names are read by uvicorn's protocol.

    Attributes:
        shard: the shard that another pod takes this one for; None: the request is a client's.
        names: headers that identify the request.
        is_in_flight: whether the request is complete and dispatched.
    """

    kind = Kind.INFER
    message_event = asyncio.Event()
    """Set by uvicorn; nothing waits for it."""
    more_body = False
    disconnected = False
    response_complete = False
    is_in_flight = False
    _compression: asyncio.Future[None] | None = None
    """Kept because the event loop does not keep its tasks."""

    def __init__(  # not Request's, to save a call and four defaults
        self, protocol: ModelProtocol, uid: str, headers: Mapping[bytes, bytes], *, keep_alive: bool
    ) -> None:
        self.uid = uid
        self.body = b""
        length = headers.get(_JSON_LENGTH)
        self.json_length = None if length is None else length.decode("latin-1")
        self.keep_alive = keep_alive
        self._protocol = protocol
        self._path = protocol.url.decode("ascii")
        self._accepted = headers.get(b"accept-encoding")
        self.shard = headers.get(_SHARD) if protocol.fast_path.is_shard else None
        self.names = names_of(headers)
        self._started = time.perf_counter()

    @property
    def _metrics(self) -> Metrics | None:
        """Where the request is counted; None: the pod that got it from the client counts it."""
        return self._protocol.fast_path.metrics if self.shard is None else None

    def client_disconnected(self) -> None:
        """Observe a request whose client has disconnected; a request in flight is observed when answered."""
        if not self.is_in_flight:
            self.response_complete = True
            seconds = time.perf_counter() - self._started
            observe(self._metrics, self._path, CLIENT_GONE, seconds, self.names)

    def receive(self, response: Response) -> None:
        """Send the response, which has one piece; a large one compressed, if the client asks for it."""
        if (
            self._accepted is not None
            and len(response.body) >= SMALLEST
            and (coding := coding_for(self._accepted, response.body)) is not None
        ):
            self._compression = asyncio.ensure_future(self._compress(response, coding))
        else:
            self._send(response)

    async def _compress(self, response: Response, coding: str) -> None:
        body = await Deflating(coding).add(response.body, is_last=True)
        self._send(Response(body, response.status, {**response.headers, **headers_of(coding)}))

    def _send(self, response: Response) -> None:
        protocol = self._protocol
        fast_path, transport = protocol.fast_path, protocol.transport
        self.response_complete = True
        seconds = time.perf_counter() - self._started
        metrics = self._metrics
        if response.status < 400 and metrics is not None:
            # The same as observe(), in fewer calls.
            metrics.seconds.observe(seconds)
            metrics.succeeded.inc()
            if response.headers is not JSON_HEADERS:
                count_remarks(metrics, response.headers)
        else:
            observe(metrics, self._path, response.status, seconds, self.names)
        if transport.is_closing():
            return
        if protocol.server_state.default_headers is not fast_path.default_headers:
            fast_path.set_default_headers(protocol.server_state.default_headers)
        lines = [STATUS_LINE[response.status], fast_path.head_beside(response.headers)]
        lines += [f"{name}: {value}\r\n".encode() for name, value in response.headers.items()]
        lines += [b"%s: %s\r\n" % header for header in self.names]
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        lines += (b"content-length: %d\r\n\r\n" % len(response.body), response.body)
        transport.write(b"".join(lines))
        if not self.keep_alive:
            transport.close()
        protocol.on_response_complete()

    def fail(self, error: RequestError) -> None:
        """Send the error."""
        self.receive(refusal(error))
