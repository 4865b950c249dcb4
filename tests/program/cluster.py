"""A fake API server with one response for nearly all requests, and kubeconfigs for it."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path


@contextmanager
def api_server(
    status: int = 200,
    message: str = "",
    items: Sequence[object] = (),
    missing: Sequence[str] = (),
    objects: Mapping[str, object] | None = None,
) -> Iterator[str]:
    """Answer on loopback; yields the URL.

    Args:
        status: of all answers.
        message: of a refusal.
        items: of all lists.
        missing: parts of paths at which nothing is.
        objects: what is at these paths.
    """
    kind = "Status" if message else "APIVersions"
    common = {"kind": kind, "message": message, "items": items}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps((objects or {}).get(self.path.partition("?")[0], common)).encode()
            self.send_response(404 if any(part in self.path for part in missing) else status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def kubeconfig(file: Path, server: str, *contexts: str) -> Path:
    """Write a kubeconfig whose contexts all name one server."""
    # Of several files the first that has a name decides what it is.
    own = file.parent.name
    config = {
        "clusters": [{"name": own, "cluster": {"server": server}}],
        "users": [{"name": own, "user": {"token": "t"}}],
        "contexts": [{"name": name, "context": {"cluster": own, "user": own}} for name in contexts],
    }
    file.write_text(json.dumps(config))
    return file
