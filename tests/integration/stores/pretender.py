"""A server that accepts every request, with faults set by a test that no available real server has."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import TYPE_CHECKING

from bluegrid_registry import Checksum

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message


@dataclass
class Pretender:
    """Objects in memory, and the behaviour of their server."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    headers: list[tuple[str, Message]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    """Method and path of each request."""
    damages: bool = False
    conflicts: int = 0
    is_conditional: bool = True
    is_atomic: bool = True
    """Whether it looks for an object when it writes; otherwise before it receives the bytes."""
    has_window: bool = False
    """Whether it looks after it has received the bytes, and writes a moment later; as behind a proxy that
    passes on only complete requests."""
    wrong_checksum: str | None = None
    """The error code for a wrong CRC-64; None: it does not verify."""
    echoes: bool = False
    """Whether it answers with the checksum that was sent."""
    refuses: str | None = None
    """Prefix of header names that it does not know and refuses."""
    needs: str | None = None
    """Name of a header that writes need, as in buckets with object lock."""
    name: str = "Pretender"
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, handler: BaseHTTPRequestHandler) -> None:
        is_there = handler.path in self.objects
        data = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.headers.append((handler.path, handler.headers))
        given = handler.headers.get("x-amz-checksum-crc64nvme")
        if self.refuses and any(name.lower().startswith(self.refuses) for name in handler.headers):
            return self.refuse(handler, 400, "InvalidArgument")
        if self.needs and self.needs not in handler.headers:
            return self.refuse(handler, 400, "MissingHeader")
        if self.wrong_checksum and given and given != Checksum.of(data).value:
            return self.refuse(handler, 400, self.wrong_checksum)
        if self.conflicts and handler.headers.get("If-None-Match"):
            self.conflicts -= 1
            return self.refuse(handler, 409, "ConditionalRequestConflict")
        if self.has_window:
            is_there = handler.path in self.objects
            time.sleep(0.002)
        with self.lock:
            is_there = handler.path in self.objects if self.is_atomic and not self.has_window else is_there
            if is_there and handler.headers.get("If-None-Match") and self.is_conditional:
                return self.refuse(handler, 412, "PreconditionFailed")
            self.objects[handler.path] = data[:-1] + b"?" if self.damages else data
        answered = (
            {"x-amz-checksum-crc64nvme": given} if given and (self.wrong_checksum or self.echoes) else {}
        )
        return self.answer(handler, 200, headers=answered)

    def get(self, handler: BaseHTTPRequestHandler) -> None:
        if handler.path in self.objects:
            self.answer(handler, 200, self.objects[handler.path])
        else:
            self.refuse(handler, 404, "NoSuchKey")

    def delete(self, handler: BaseHTTPRequestHandler) -> None:
        self.objects.pop(handler.path, None)
        self.answer(handler, 204)

    def refuse(self, handler: BaseHTTPRequestHandler, status: int, code: str) -> None:
        self.answer(handler, status, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())

    @staticmethod
    def answer(
        handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> None:
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


@contextmanager
def pretending(server_class: type[HTTPServer] = ThreadingHTTPServer) -> Iterator[Pretender]:
    """Run a pretender."""
    state = Pretender()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1" if server_class is ThreadingHTTPServer else "HTTP/1.0"

        def version_string(self) -> str:
            return state.name

        def do_PUT(self) -> None:
            state.requests.append(f"PUT {self.path}")
            state.put(self)

        def do_GET(self) -> None:
            state.requests.append(f"GET {self.path}")
            state.get(self)

        def do_DELETE(self) -> None:
            state.requests.append(f"DELETE {self.path}")
            state.delete(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Log nothing."""

    with server_class(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        state.url = f"s3://models/pre?endpoint=http://127.0.0.1:{server.server_port}"
        yield state
        server.shutdown()
        thread.join()
