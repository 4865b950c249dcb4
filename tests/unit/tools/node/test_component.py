from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from tools.node.component import Api, node_ready

STARTED = datetime(2026, 11, 22, 8, 0, 5, 700_000, tzinfo=UTC)


@dataclass(frozen=True)
class Answering(Api):
    """An API server with one answer."""

    body: bytes | None = None

    def get(self, path: str) -> bytes | None:
        return self.body


def answering(status: str, heartbeat: str) -> Answering:
    condition = {"type": "Ready", "status": status, "lastHeartbeatTime": heartbeat}
    return Answering("", 0, body=json.dumps({"status": {"conditions": [condition]}}).encode())


@pytest.mark.parametrize(
    ("api", "ready"),
    [
        pytest.param(answering("True", "2026-11-22T08:00:06Z"), True, id="it says so"),
        pytest.param(answering("True", "2026-11-22T08:00:05Z"), True, id="the API server cuts to seconds"),
        pytest.param(answering("True", "2026-11-22T08:00:04Z"), False, id="it said so before the restart"),
        pytest.param(answering("False", "2026-11-22T08:00:06Z"), False, id="it says the opposite"),
        pytest.param(Answering("", 0), False, id="the API server does not know it"),
    ],
)
def test_a_node_is_ready_when_its_kubelet_said_so_after_its_start(api: Api, ready: bool) -> None:
    assert node_ready(api, "bluegrid")(STARTED) is ready


def test_a_server_that_is_not_there_is_not_healthy() -> None:
    assert not Api("127.0.0.1", 1).answers("/health")(STARTED)
