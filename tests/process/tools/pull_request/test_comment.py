"""The comment under a pull request, against a server that keeps comments as GitHub does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from bluegrid.previews import MARK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMENTS = "/repos/owner/grid/issues/7/comments"


class Comments:
    """The comments of one pull request, by ID."""

    def __init__(self, *there: str) -> None:
        self.bodies = dict(enumerate(there, start=1))
        self.tokens: set[str | None] = set()
        self.address = ""


@contextmanager
def github(comments: Comments) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            query = parse_qs(asked.query)
            size, page = int(query["per_page"][0]), int(query["page"][0])
            rows = [{"id": number, "body": body} for number, body in comments.bodies.items()]
            self._answer(200 if asked.path == COMMENTS else 404, rows[(page - 1) * size : page * size])

        def do_POST(self) -> None:
            self._write(201 if self.path == COMMENTS else 404, len(comments.bodies) + 1)

        def do_PATCH(self) -> None:
            place, _, number = self.path.rpartition("/")
            self._write(200 if place == "/repos/owner/grid/issues/comments" else 404, int(number))

        def _write(self, status: int, number: int) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if status < 400:
                comments.bodies[number] = json.loads(body)["body"]
            self._answer(status, {"html_url": f"https://github.example/{number}"})

        def _answer(self, status: int, document: Any) -> None:
            comments.tokens.add(self.headers["Authorization"])
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        comments.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def write(comments: Comments, file: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    message = {
        "GITHUB_TOKEN": "swordfish",
        "GITHUB_REPOSITORY": "owner/grid",
        "GITHUB_API_URL": comments.address,
        "PULL_REQUEST": "7",
    }
    return subprocess.run(
        [sys.executable, "-m", "tools.pull_request.comment", file],
        env=os.environ | message | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_report_is_one_comment_however_often_it_is_written(tmp_path: Path) -> None:
    # More than one page of other comments.
    comments = Comments(*["Looks good."] * 150)
    file = tmp_path / "comment.md"
    with github(comments):
        for text in ("first", "second"):
            file.write_text(f"{MARK}\n{text}")
            done = write(comments, file)
            assert (done.returncode, done.stderr) == (0, "")
            assert done.stdout == "https://github.example/151\n"
    assert comments.bodies[151] == f"{MARK}\nsecond"
    assert len(comments.bodies) == 151
    assert comments.tokens == {"Bearer swordfish"}


def test_a_comment_that_cannot_be_written_is_told_in_one_line_without_the_token(tmp_path: Path) -> None:
    file = tmp_path / "comment.md"
    file.write_text(MARK)
    comments = Comments()
    with github(comments):
        refused = write(comments, file, GITHUB_REPOSITORY="owner/other")
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: the comment could not be written: Client error '404")
    assert "swordfish" not in refused.stdout + refused.stderr
    assert "Traceback" not in refused.stderr
