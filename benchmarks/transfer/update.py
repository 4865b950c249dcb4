"""One changed model of a version: requests and bytes of the update, counted on the wire."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks.transfer.ours import MODEL_TYPE, VERSION, folder_of, publish, store_at
from benchmarks.transfer.payload import random_models
from benchmarks.transfer.server import way_to
from bluegrid_registry import Version, models_in_folder

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.transfer.payload import Payload
    from benchmarks.transfer.plan import Kind
    from benchmarks.transfer.server import Server, Way

RTT = 0.050
_SET = "update"


@dataclass(frozen=True)
class Update:
    """Updates of one model each.

    Attributes:
        payload: the models of the base version.
        requests: of each update, including those that probe the server.
        bytes: of each update, both ways, including headers.
        seconds: of each update, at `RTT`, from a client without a connection.
        full_bytes: bytes of the push of the whole version.
        full_seconds: seconds of that push.
    """

    payload: str
    requests: list[int]
    bytes: list[int]
    seconds: list[float]
    full_bytes: int
    full_seconds: float


def measure(server: Server, folder: Path, payload: Payload, kind: Kind, samples: int) -> Update:
    """Push the models as one version, then push updates of one model each."""
    changed = random_models(folder / "changed", samples, kind.size or 0, seed=5)
    with way_to(server.endpoint, RTT) as way:
        whole = models_in_folder(payload.folder, MODEL_TYPE)
        store = store_at(way.endpoint)
        full = _Counted(way)
        report = publish(store, _SET, VERSION, whole)
        full.stop()
        base = Version(id=VERSION, manifest=report.manifest, updated=datetime.now(UTC))
        updates = []
        for number, model in enumerate(models_in_folder(changed.folder, MODEL_TYPE)):
            store = store_at(way.endpoint)
            one = _Counted(way)
            publish(store, _SET, f"u{number}", (model,), base)
            updates.append(one.stop())
    shutil.rmtree(server.bucket / folder_of(_SET))
    return Update(
        payload.name,
        [each.requests for each in updates],
        [each.bytes for each in updates],
        [each.seconds for each in updates],
        full.bytes,
        full.seconds,
    )


class _Counted:
    """Counts the proxy's traffic from now until `stop`."""

    def __init__(self, way: Way) -> None:
        self._way, self._before, self._started = way, way.traffic(), time.perf_counter()
        self.requests, self.bytes, self.seconds = 0, 0, 0.0

    def stop(self) -> _Counted:
        self.seconds = time.perf_counter() - self._started
        now = self._way.traffic()
        self.requests = now.requests - self._before.requests
        self.bytes = now.up + now.down - self._before.up - self._before.down
        return self
