"""Deletions that a merged pull request's labels allow, with a server that answers as GitHub does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def github(*labels: str, status: int = 200) -> Iterator[str]:
    """Give the pull request of the commit `c0ffee` these labels; yield the URL."""
    requests = [{"number": 7, "labels": [{"name": label} for label in labels]}]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/repos/owner/grid/commits/c0ffee/pulls"
            body = json.dumps(requests if known else []).encode()
            self.send_response(status if known else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def run(url: str, by_hand: str = "") -> subprocess.CompletedProcess[str]:
    named = {"GITHUB_TOKEN": "t", "GITHUB_REPOSITORY": "owner/grid", "GITHUB_API_URL": url}
    return subprocess.run(
        [sys.executable, "-m", "tools.pull_request.allowed", "c0ffee"],
        env=os.environ | named | {"ALLOW_DELETE": by_hand},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_labels_of_the_merged_request_name_the_services_that_may_go() -> None:
    with github("allow-delete:line-load", "documentation", "allow-delete:bus") as url:
        assert run(url).stdout == "BLUEGRID_ALLOW_DELETE=line-load,bus\n"


def test_without_labels_none_may_go() -> None:
    with github("documentation") as url:
        assert run(url).stdout == "BLUEGRID_ALLOW_DELETE=\n"


def test_whoever_starts_the_run_by_hand_may_name_more() -> None:
    with github("allow-delete:line-load") as url:
        assert run(url, "bus line-load").stdout == "BLUEGRID_ALLOW_DELETE=bus,line-load\n"


def test_a_github_that_refuses_is_told_on_one_line() -> None:
    with github(status=500) as url:
        done = run(url)
    assert done.returncode == 1
    assert done.stderr.startswith("error: the labels could not be read: ")
    assert done.stdout == ""
