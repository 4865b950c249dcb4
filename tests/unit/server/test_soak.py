"""A server that answers for long holds no more memory than one that has answered for a moment."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from benchmarks.server.client import ask_times, post
from tests.endurance import FULL
from tests.unit.server.pods import BASE, tensor
from tests.unit.server.server_process import running, wait_until_ready

if TYPE_CHECKING:
    from model_server.settings import Settings

pytestmark = pytest.mark.process

SECONDS = 3600 if FULL else 5
WAVE = 2000
GROWTH = 10 * 2**20
"""Bytes: what the allocators of three processes keep back by chance."""


def held(process: psutil.Process) -> int:
    """Bytes that the server's processes have for themselves."""
    return sum(each.memory_full_info().uss for each in (process, *process.children(recursive=True)))


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
        server = psutil.Process(process.pid)
        ask_times(port, requests, 4, WAVE)
        before, until = held(server), time.monotonic() + SECONDS
        while time.monotonic() < until:
            took = ask_times(port, requests, 4, WAVE).seconds
            if FULL:
                time.sleep(took)  # half load
        assert held(server) - before < GROWTH
