"""An API server that reads its objects from folders of manifests, as a provider writes them."""

from __future__ import annotations

import base64
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from ruamel.yaml import YAML

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PLURALS = {"Ingress": "ingresses", "NetworkPolicy": "networkpolicies"}


class Manifests(ThreadingHTTPServer):
    """Answers requests for objects and lists of objects, with label selectors.

    Attributes:
        folders: of the manifests.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.folders: list[Path] = []

    def objects(self, plural: str, namespace: str | None) -> list[dict[str, Any]]:
        """Return the objects of a kind, of one namespace or of all."""
        files = (file for folder in self.folders for file in folder.rglob("*.yaml"))
        return [
            _as_stored(each)
            for each in map(_document, files)
            if each is not None
            and _PLURALS.get(each["kind"], f"{each['kind'].lower()}s") == plural
            and namespace in (None, each["metadata"].get("namespace"))
        ]


@contextmanager
def serving() -> Iterator[Manifests]:
    """Start the server, on loopback, and stop it afterwards."""
    with Manifests() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _document(file: Path) -> dict[str, Any] | None:
    """Return a manifest, or None where the provider deletes it meanwhile or has not written it yet."""
    try:
        document: dict[str, Any] | None = YAML(typ="safe").load(file)
    except FileNotFoundError:
        return None
    return document


def _as_stored(document: dict[str, Any]) -> dict[str, Any]:
    plain = document.get("stringData") or {}
    data = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
    return {**document, "data": {**(document.get("data") or {}), **data}}


def _is_selected(document: dict[str, Any], selector: str) -> bool:
    labels = document["metadata"].get("labels") or {}
    for part in filter(None, selector.split(",")):
        key, equals, value = part.partition("=")
        if part.startswith("!"):
            matches = part[1:] not in labels
        else:
            matches = labels.get(key) == value if equals else key in labels
        if not matches:
            return False
    return True


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Manifests)
        url = urlsplit(self.path)
        selector = parse_qs(url.query).get("labelSelector", [""])[0]
        found = self._found(url.path.strip("/").split("/"), selector)
        body = json.dumps({"kind": "Status"} if found is None else found).encode()
        self.send_response(404 if found is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _found(self, parts: list[str], selector: str) -> dict[str, Any] | None:
        assert isinstance(self.server, Manifests)
        if parts == ["api"]:
            return {"kind": "APIVersions"}
        # /api/v1/... or /apis/<group>/<version>/...
        rest = parts[2:] if parts[0] == "api" else parts[3:]
        namespace = None
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        objects = self.server.objects(rest[0], namespace)
        if len(rest) > 1:
            return next((each for each in objects if each["metadata"]["name"] == rest[1]), None)
        return {"items": [each for each in objects if _is_selected(each, selector)]}

    def log_message(self, *_: object) -> None:
        pass
