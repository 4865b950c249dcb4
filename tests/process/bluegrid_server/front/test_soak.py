"""A server's memory does not grow while it answers requests.

At full size the test takes an hour, at half of the server's rate:
`BLUEGRID_ENDURANCE=1 .venv/bin/python -m pytest tests/process/bluegrid_server/front/test_soak.py`.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import httpx
import psutil

from benchmarks.server.client import post, request_for, request_times
from tests.process.bluegrid_server.server_process import running, wait_until_ready
from tests.support.endurance import measured, scale
from tests.support.pods import BASE, tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bluegrid_server.settings import Settings


SECONDS = scale(6, 3600)
WARM_UP = scale(2, 60)
LOOKS = 12
"""How often memory is measured: in an hour, every five minutes."""
WAVE = 500
CONNECTIONS = 4
GROWTH = 10 * 2**20
"""Bytes that the allocators of three processes may keep by chance."""


@dataclass
class Soak:
    """The result of a soak.

    Attributes:
        rate: requests a second that were due: half of the server's rate before.
        requests: number of answered requests.
        failures: waves of requests with an answer other than 200.
        megabytes: private memory of the server's processes, at the start and at each measurement.
    """

    rate: float
    requests: int = 0
    failures: list[str] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)


def held(process: psutil.Process) -> int:
    """Return the private memory of the server's processes, in bytes."""
    return sum(each.memory_full_info().uss for each in (process, *process.children(recursive=True)))


def soak(process: psutil.Process, port: int, requests: Sequence[bytes]) -> Soak:
    """Send requests at half load, and measure memory."""
    went = Soak(rate=request_for(port, requests, CONNECTIONS, WARM_UP).rate / 2)
    began = due = time.monotonic()
    for look in range(LOOKS + 1):
        while time.monotonic() < began + SECONDS * look / LOOKS:
            try:
                went.requests += len(request_times(port, requests, CONNECTIONS, WAVE).latencies)
            except OSError as error:
                went.failures.append(str(error))
            # Do not catch up on delays of a busy machine: that would exceed half load.
            due = max(due + WAVE / went.rate, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))
        went.megabytes.append(round(held(process) / 2**20, 1))
    return went


def test_memory_does_not_grow_with_the_requests(settings: Settings) -> None:
    body = json.dumps(tensor()).encode()
    batch = json.dumps(
        {"requests": [{"model_name": uid, **tensor()} for uid in ("line-1", "line-9")]}
    ).encode()
    requests = [
        post(f"{BASE}/models/line-1/infer", body),
        post(f"{BASE}/models/line-2/infer", body),
        post(f"{BASE}/models:batchInfer", batch),
    ]
    with running(settings) as (process, port):
        with httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}") as client:
            wait_until_ready(client)
        went = soak(psutil.Process(process.pid), port, requests)
    measured(seconds=SECONDS, **asdict(went))
    assert not went.failures
    assert (went.megabytes[-1] - went.megabytes[0]) * 2**20 < GROWTH
