"""Time and memory against the number of models; each push and fetch is a process of its own.

`python -m benchmarks.transfer.growth push|fetch ENDPOINT SET FOLDER [DIGEST]` runs one and reports.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.transfer.ours import MODEL_TYPE, VERSION, folder_of, publish, store_at
from benchmarks.transfer.payload import size_name
from benchmarks.transfer.server import CHECKOUT
from bluegrid_registry import fetch, models_in_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.transfer.payload import Payload
    from benchmarks.transfer.plan import Kind
    from benchmarks.transfer.server import Server

MIB = 2**20


@dataclass(frozen=True)
class Point:
    """A push or fetch of `count` models of `size` bytes, several times."""

    work: str
    count: int
    size: int
    seconds: list[float]
    peak_mib: list[float]

    @property
    def name(self) -> str:
        """Name for people, such as `push 1,000 x 2 KB`."""
        return f"{self.work} {self.count:,} x {size_name(self.size)}"


def measure(
    server: Server, payload_of: Callable[[Kind], Payload], kinds: Iterable[Kind], samples: int
) -> list[Point]:
    """Push and fetch each kind in processes of their own."""
    points = []
    for kind in kinds:
        folder = payload_of(kind).folder
        pushed, fetched = [], []
        for number in range(samples):
            set_id = f"growth-{number}"
            pushed.append(_child("push", server.endpoint, set_id, str(folder)))
            with tempfile.TemporaryDirectory(dir=folder.parent) as into:
                fetched.append(_child("fetch", server.endpoint, set_id, into, str(pushed[-1]["digest"])))
            shutil.rmtree(server.bucket / folder_of(set_id))
        for work, each in (("push", pushed), ("fetch into files", fetched)):
            seconds = [float(one["seconds"]) for one in each]
            peaks = [float(one["peak_mib"]) for one in each]
            points.append(Point(work, kind.count, kind.size or 0, seconds, peaks))
    return points


def _child(*arguments: str) -> dict[str, str | float]:
    command = [sys.executable, "-m", "benchmarks.transfer.growth", *arguments]
    ran = subprocess.run(command, cwd=CHECKOUT, check=True, stdout=subprocess.PIPE)
    result: dict[str, str | float] = json.loads(ran.stdout)
    return result


def _main(work: str, endpoint: str, set_id: str, folder: str, digest: str = "") -> None:
    started = time.perf_counter()
    store = store_at(endpoint)
    if work == "push":
        models = models_in_folder(Path(folder), MODEL_TYPE)
        digest = publish(store, set_id, VERSION, models).manifest
    else:
        fetch(store, set_id, VERSION, digest, Path(folder))
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "peak_mib": _peak_mib(), "digest": digest}))


def _peak_mib() -> float:
    # Not ru_maxrss, which begins with the parent's memory at the fork.
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if peak is None:
        raise OSError("/proc/self/status names no VmHWM")
    return int(peak[1]) * 1024 / MIB


if __name__ == "__main__":
    _main(*sys.argv[1:])
