"""An API server with made-up objects, whose pods are slow or refuse requests as a test requires."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Protocol, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bluegrid.operations import Namespace

METRICS = """\
# TYPE models_loaded gauge
models_loaded{model_set="g1",set_version="v1"} 186.0
# TYPE models_expected gauge
models_expected{model_set="g1",set_version="v1"} 186.0
"""


@dataclass
class ApiServer:
    """Answers on loopback until it is closed.

    Attributes:
        kinds: objects by the last part of their path, such as `pods`.
        pod: a pod's answer through the proxy: (status, body), by its name.
        forbidden: rights that an access review denies, such as `get pods/proxy`.
        calls: paths that were requested.
    """

    kinds: dict[str, list[dict[str, Any]]]
    pod: Callable[[str], tuple[int, str]] = lambda _: (200, METRICS)
    forbidden: tuple[str, ...] = ()
    calls: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                url = urlsplit(self.path)
                api.calls.append(url.path)
                sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, body = api.answer(url.path, parse_qs(url.query), sent)
                data = body.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_POST = do_GET  # noqa: N815 - so it is called

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128
            block_on_close = False

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, query: dict[str, list[str]], sent: bytes) -> tuple[int, str]:
        parts = path.split("/")
        if parts[-1] == "selfsubjectaccessreviews":
            asked = json.loads(sent)["spec"]["resourceAttributes"]
            kind = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
            return 201, json.dumps({"status": {"allowed": f"{asked['verb']} {kind}" not in self.forbidden}})
        if path == "/version":
            return 200, json.dumps({"gitVersion": "v1.34.4"})
        if parts[-2] == "namespaces":
            there = parts[-1] == "bluegrid"
            return (200, "{}") if there else refusal(404, f'namespaces "{parts[-1]}" not found')
        if parts[-2] == "secrets":
            return self._secret(parts[-1])
        if "proxy" in parts:
            return self.pod(parts[parts.index("pods") + 1].partition(":")[0])
        if parts[-1] == "log":
            return 200, "".join(f"{name}={','.join(values)}\n" for name, values in query.items()) + "last"
        if parts[-1] not in self.kinds:
            return refusal(404, "the server could not find the requested resource")
        wanted = [pair.split("=") for pair in query.get("labelSelector", [""])[0].split(",")]
        items = [
            each
            for each in self.kinds[parts[-1]]
            if (len(parts) < 6 or each["metadata"].get("namespace", "bluegrid") == parts[-2])
            and all(each["metadata"]["labels"].get(key) == value for key, value in wanted)
        ]
        return 200, json.dumps({"kind": "List", "items": items})

    def _secret(self, name: str) -> tuple[int, str]:
        if "get secrets" in self.forbidden:
            return refusal(403, f'secrets "{name}" is forbidden')
        found = [each for each in self.kinds.get("secrets", []) if each["metadata"]["name"] == name]
        return (200, json.dumps(found[0])) if found else refusal(404, f'secrets "{name}" not found')

    def kubeconfig(self, folder: Path) -> Path:
        server = f"http://127.0.0.1:{self._server.server_address[1]}"
        file = folder / "kubeconfig"
        config = {
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "there", "context": {"cluster": "c", "user": "u"}}],
        }
        file.write_text(json.dumps(config))
        return file


class Connect(Protocol):
    """The fixture `connect`."""

    def __call__(self, api: ApiServer, name: str = "bluegrid") -> Namespace:
        """Connect to a namespace of the API server."""


def slow(seconds: float) -> Callable[[str], tuple[int, str]]:
    def answer(_: str) -> tuple[int, str]:
        time.sleep(seconds)
        return 200, METRICS

    return answer


def refusal(status: int, message: str) -> tuple[int, str]:
    """Return the API server's own answer for a refused request."""
    return status, json.dumps({"kind": "Status", "status": "Failure", "message": message, "code": status})
