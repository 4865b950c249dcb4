"""A server that answers for long holds no more memory than one that has answered for a moment.

At full size that is an hour at half of what the machine gives:
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
"""How often memory is looked at: of an hour, every five minutes."""
WAVE = 500
CONNECTIONS = 4
GROWTH = 10 * 2**20
"""Bytes: what the allocators of three processes keep back by chance."""


@dataclass
class Soak:
    """How it went.

    Attributes:
        rate: requests a second that were due: half of what the server gave before.
        requests: that were answered.
        failures: waves of requests in which one was not answered with 200.
        megabytes: what the server's processes had for themselves, at the start and at each look.
    """

    rate: float
    requests: int = 0
    failures: list[str] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)


def held(process: psutil.Process) -> int:
    """Bytes that the server's processes have for themselves."""
    return sum(each.memory_full_info().uss for each in (process, *process.children(recursive=True)))


def soak(process: psutil.Process, port: int, requests: Sequence[bytes]) -> Soak:
    """Ask at half load, and look at memory."""
    went = Soak(rate=request_for(port, requests, CONNECTIONS, WARM_UP).rate / 2)
    began = due = time.monotonic()
    for look in range(LOOKS + 1):
        while time.monotonic() < began + SECONDS * look / LOOKS:
            try:
                went.requests += len(request_times(port, requests, CONNECTIONS, WAVE).latencies)
            except OSError as error:
                went.failures.append(str(error))
            # What a busy machine has delayed is not made up for: that would be more than half load.
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
