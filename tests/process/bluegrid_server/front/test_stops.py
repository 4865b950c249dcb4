"""A server that gets SIGTERM, and its log until then."""

from __future__ import annotations

import json
import signal
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import httpx

from tests.process.bluegrid_server.faulty_models import ABORTS, WAITS, FaultyModel
from tests.process.bluegrid_server.faulty_pods import pushed, request_of
from tests.process.bluegrid_server.server_process import PATIENCE, running, wait_until_ready
from tests.support.pods import BASE

if TYPE_CHECKING:
    from pathlib import Path


def ask(port: int, number: float, headers: dict[str, str] | None = None) -> httpx.Response:
    """Send a request on a new connection."""
    url = f"http://127.0.0.1:{port}{BASE}/models/m1/infer"
    return httpx.post(url, json=request_of(number, "m1"), headers=headers, timeout=PATIENCE)


def test_a_server_that_is_told_to_stop_answers_what_it_has(tmp_path: Path) -> None:
    with (
        running(pushed(tmp_path, {"m1": FaultyModel()})) as (process, port),
        ThreadPoolExecutor(8) as threads,
        httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}") as client,
    ):
        wait_until_ready(client)
        # One worker: when the first request is answered, the others have arrived, and take two more seconds.
        asking = [threads.submit(ask, port, WAITS) for _ in range(8)]
        answered, _ = wait(asking, PATIENCE, FIRST_COMPLETED)
        assert len(answered) < len(asking)
        process.send_signal(signal.SIGTERM)
        assert [answer.result().status_code for answer in asking] == [200] * len(asking)
        assert process.wait(PATIENCE) == 0


def test_a_failure_is_in_the_log_as_json_under_the_requests_id(tmp_path: Path) -> None:
    given = {"X-Request-Id": "abc", "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    with (
        running(pushed(tmp_path, {"m1": FaultyModel()})) as (process, port),
        httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}") as client,
    ):
        wait_until_ready(client)
        assert ask(port, ABORTS, given).status_code == 500
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=PATIENCE)
    lines = [json.loads(line) for line in said.splitlines()]
    (failure,) = [line for line in lines if line["event"] == "failed"]
    assert failure.items() >= {"status": 500, "x-request-id": "abc", "level": "warning"}.items()
    assert failure["traceparent"] == given["traceparent"]
    assert failure["path"] == f"{BASE}/models/m1/infer"
    assert [line["how"] for line in lines if line["event"] == "worker ended"] == ["by SIGABRT"]
