"""A real HTTP server for the load, with a thread for each connection."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Reply:
    """The server's answer."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


Peer = tuple[str, int]
Answer = Callable[[Peer, float], Reply | None]
"""Makes a reply from the connection and the sum of the inputs, v1's answer; None closes the connection."""


def good(value: float, version: str = "v1", cluster: str = "d1") -> Reply:
    """Return an answer like the model server's."""
    body = json.dumps({"outputs": [{"name": "y", "shape": [1], "datatype": "FP64", "data": [value]}]})
    return Reply(headers={"Bluegrid-Version": version, "Bluegrid-Cluster": cluster}, body=body.encode())


@contextmanager
def served(answer: Answer) -> Iterator[str]:
    """Serve `line-loading` on loopback; yield its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one write an answer: several would meet delayed acknowledgements

        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if not self.path.startswith("/modelService/line-loading/v2/models/"):
                self.send_error(404)
                return
            reply = answer(self.client_address, sum(content["inputs"][0]["data"]))
            if reply is None:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = False  # server_close waits for every connection's end
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            """Ignore clients that have gone already, as in some tests."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
