"""Servers that keep comments and labels as GitHub and GitLab do, and `bluegrid ci` with their variables."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.support.command import BLUEGRID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SECRET = "swordfish"
COMMIT = "c0ffee"
GITHUB, GITLAB = "github", "gitlab"
_FROM_FORGES = ("GITHUB_", "GITLAB_", "CI_", "PULUMI_", "BLUEGRID_")
"""Prefixes of variables that a run of the tests on a forge would have."""
_MERGE_REQUEST = "/projects/owner%2Fgrid/merge_requests/7"
_LISTS = {GITHUB: "/repos/owner/grid/issues/7/comments", GITLAB: f"{_MERGE_REQUEST}/notes"}
_ONE = {GITHUB: "/repos/owner/grid/issues/comments", GITLAB: f"{_MERGE_REQUEST}/notes"}
_OF_COMMIT = {
    GITHUB: f"/repos/owner/grid/commits/{COMMIT}/pulls",
    GITLAB: f"/projects/owner%2Fgrid/repository/commits/{COMMIT}/merge_requests",
}
_REWRITES = {GITHUB: "PATCH", GITLAB: "PUT"}


@dataclass
class Hosted:
    """What a forge has: comments of request 7, by ID, and labels of the request of one commit.

    Attributes:
        kind: github or gitlab.
        bodies: the comments.
        labels: the labels.
        status: of every answer that would be a success; None: as it is.
        tokens: the headers with a token that came.
        address: of the server.
    """

    kind: str
    bodies: dict[int, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    status: int | None = None
    tokens: set[str | None] = field(default_factory=set)
    address: str = ""

    @property
    def variables(self) -> Mapping[str, str]:
        """The variables of a run for request 7."""
        if self.kind == GITLAB:
            return {
                "CI_API_V4_URL": self.address,
                "CI_PROJECT_ID": "owner/grid",
                "CI_MERGE_REQUEST_IID": "7",
                "GITLAB_TOKEN": SECRET,
            }
        return {"GITHUB_API_URL": self.address, "GITHUB_REPOSITORY": "owner/grid", "GITHUB_TOKEN": SECRET}

    def answer(self, method: str, path: str, body: Mapping[str, str] | None) -> tuple[int, Any]:
        """Return the status and document of an answer."""
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        place, _, number = parts.path.rpartition("/")
        if method == "GET" and parts.path == _LISTS[self.kind]:
            return 200, _page([{"id": key, "body": text} for key, text in self.bodies.items()], query)
        if method == "GET" and parts.path == _OF_COMMIT[self.kind]:
            names = [{"name": name} for name in self.labels] if self.kind == GITHUB else list(self.labels)
            return 200, _page([{"labels": names}], query)
        if method == "GET" and (self.kind, parts.path) == (GITLAB, _MERGE_REQUEST):
            return 200, {"web_url": "https://gitlab.example/grid/-/merge_requests/7"}
        if body is not None and method == "POST" and parts.path == _LISTS[self.kind]:
            return self._write(201, len(self.bodies) + 1, body["body"])
        if body is not None and method == _REWRITES[self.kind] and place == _ONE[self.kind]:
            return self._write(200, int(number), body["body"])
        return 404, {"message": "Not Found"}

    def _write(self, status: int, number: int, text: str) -> tuple[int, Any]:
        self.bodies[number] = text
        return status, {"id": number, "html_url": f"https://github.example/{number}"}


@contextmanager
def serving(hosted: Hosted) -> Iterator[Hosted]:
    """Serve a forge until the context ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            hosted.tokens.add(self.headers["Authorization"] or self.headers["PRIVATE-TOKEN"])
            length = int(self.headers["Content-Length"] or 0)
            sent = json.loads(self.rfile.read(length)) if length else None
            status, document = hosted.answer(self.command, self.path, sent)
            body = json.dumps(document).encode()
            self.send_response(hosted.status or status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_PUT = _do  # noqa: N815 - named by http.server

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        hosted.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield hosted
        finally:
            server.shutdown()
            thread.join()


def ci(
    *arguments: str | Path, cwd: Path | None = None, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `bluegrid ci` with these variables, and none of a forge that runs the tests."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_FROM_FORGES)}
    return subprocess.run(
        [BLUEGRID, "ci", *arguments],
        cwd=cwd,
        env=environment | dict(variables or {}),
        capture_output=True,
        text=True,
        check=False,
    )


def event_of(folder: Path, *labels: str, base: str = "") -> dict[str, str]:
    """Write the event of pull request 7 as GitHub does; return the variable that names it."""
    request = {"number": 7, "base": {"sha": base}, "labels": [{"name": label} for label in labels]}
    file = folder / "event.json"
    file.write_text(json.dumps({"pull_request": request}))
    return {"GITHUB_EVENT_PATH": str(file)}


def _page(rows: list[Any], query: Mapping[str, str]) -> list[Any]:
    size, page = int(query["per_page"]), int(query["page"])
    return rows[(page - 1) * size : page * size]
