"""Times every tool in turn on the same models, then checks that both sides have the same bytes."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.transfer.clients import Obstore, OneObject
from benchmarks.transfer.ours import Ours
from bluegrid_registry import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.transfer.clients import Client
    from benchmarks.transfer.payload import Payload
    from benchmarks.transfer.plan import Kind
    from benchmarks.transfer.server import Server, Way

WORKS = ("push", "fetch into memory", "fetch into files")
SLOW_SECONDS = 5
"""Seconds; a peer that takes longer, and over `FAR_BEHIND` times as long as the fastest, is measured once."""
FAR_BEHIND = 2
LEFT_BEHIND = 3
"""A peer this many times as slow as the fastest is left out unless `Kind.all_tools` is set."""
_ONE_OF_EACH_LAYOUT: tuple[type[Client], ...] = (Ours, Obstore, OneObject)


@dataclass(frozen=True)
class Cell:
    """One work, on models of one kind, over one round trip; with the seconds of every tool by name."""

    work: str
    kind: Kind
    payload: str
    rtt: float
    samples: dict[str, list[float]]
    proxy_busy: float = 0
    """The largest share of one core that the proxy took in any sample."""

    @property
    def name(self) -> str:
        """Name for people, such as `push 500 x 20 KB, 10 ms`."""
        return f"{self.work} {self.payload}, {self.rtt * 1000:.0f} ms"


@dataclass(frozen=True)
class Bench:
    """Shared by all cells: the server, and the folder for files."""

    server: Server
    folder: Path
    samples: int

    @contextmanager
    def stored(self, payload: Payload) -> Iterator[None]:
        """Keep the models in the store, in each tool's layout, during the block."""
        for client in _ONE_OF_EACH_LAYOUT:
            client(self.server.endpoint, client.layout).push(payload)
        try:
            yield
        finally:
            for client in _ONE_OF_EACH_LAYOUT:
                shutil.rmtree(self.server.bucket / client.folder(client.layout))

    def warm_up(self, work: str, payload: Payload, tools: Sequence[type[Client]], way: Way) -> None:
        """Run each tool once, untimed."""
        with self.stored(payload):
            for tool in tools:
                self._time(work, tool, payload, way, check=True)

    def measure(
        self, work: str, kind: Kind, payload: Payload, tools: Sequence[type[Client]], way: Way
    ) -> Cell:
        """Time the tools in turn, so that a machine that gets slower affects all of them."""
        samples: dict[str, list[float]] = defaultdict(list)
        busiest = 0.0
        for number in range(self.samples):
            for tool in tools:
                if number == 0 or not _is_slow(tool, samples):
                    moved = payload.part(tool.part) if tool.part else payload
                    watch = self._time(work, tool, moved, way, check=number == 0)
                    samples[tool.name].append(watch.seconds * len(payload.sha256s) / len(moved.sha256s))
                    busiest = max(busiest, watch.proxy_busy / watch.seconds)
        return Cell(work, kind, payload.name, way.rtt, dict(samples), busiest)

    def _time(self, work: str, tool: type[Client], payload: Payload, way: Way, *, check: bool) -> _Stopwatch:
        watch = _Stopwatch(way)
        if work == "push":
            arrived = self._push(tool, payload, watch, check=check)
        elif work == "fetch into memory":
            arrived = self._fetch_memory(tool, payload, watch)
        else:
            arrived = self._fetch_files(tool, payload, watch, check=check)
        if check:
            _check(payload, arrived)
        return watch

    def _push(
        self, tool: type[Client], payload: Payload, watch: _Stopwatch, *, check: bool
    ) -> dict[str, bytes]:
        prefix = f"pushed-{time.monotonic_ns()}"
        client = tool(watch.way.endpoint, prefix)
        if tool.layout == OneObject.layout:
            _ = payload.joined  # made before the time starts
        with watch:
            client.push(payload)
        files = self.server.bucket / tool.folder(prefix)
        arrived: dict[str, bytes] = {}
        if check and tool.layout == "objects":
            arrived = {path.name: path.read_bytes() for path in files.iterdir() if path.is_file()}
        elif check:
            arrived = tool(self.server.endpoint, prefix).fetch_memory(payload)
        shutil.rmtree(files)
        return arrived

    def _fetch_memory(self, tool: type[Client], payload: Payload, watch: _Stopwatch) -> dict[str, bytes]:
        client = tool(watch.way.endpoint, tool.layout)
        with watch:
            return client.fetch_memory(payload)

    def _fetch_files(
        self, tool: type[Client], payload: Payload, watch: _Stopwatch, *, check: bool
    ) -> dict[str, bytes]:
        client = tool(watch.way.endpoint, tool.layout)
        with tempfile.TemporaryDirectory(dir=self.folder) as into:
            with watch:
                paths = client.fetch_files(payload, Path(into))
            return {name: path.read_bytes() for name, path in paths.items()} if check else {}


class _Stopwatch:
    """Measures the seconds of a block, and those in which the proxy was busy."""

    def __init__(self, way: Way) -> None:
        self.way, self.seconds, self.proxy_busy = way, 0.0, 0.0

    def __enter__(self) -> None:
        self._before = self.way.traffic()
        self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._started
        self.proxy_busy = self.way.traffic().busy - self._before.busy


def keeping_up(cells: Sequence[Cell], kind: Kind, work: str, rtt: float) -> frozenset[str]:
    """Return the names of the peers that were not far behind with fewer models of this size."""
    for cell in cells:
        if (cell.work, cell.kind.size, cell.rtt) == (work, kind.size, rtt):
            medians = {
                name: median(each)
                for name, each in cell.samples.items()
                if name not in (Ours.name, OneObject.name)
            }
            return frozenset(
                name for name, each in medians.items() if each <= LEFT_BEHIND * min(medians.values())
            )
    raise LookupError(f"{kind}: no cell with fewer models comes before it in the plan")


def _is_slow(tool: type[Client], samples: dict[str, list[float]]) -> bool:
    fastest = min(each[0] for name, each in samples.items() if name not in (Ours.name, OneObject.name))
    first = samples[tool.name][0]
    return tool.name != Ours.name and first > SLOW_SECONDS and first > FAR_BEHIND * fastest


def _check(payload: Payload, arrived: dict[str, bytes]) -> None:
    if arrived.keys() != payload.sha256s.keys():
        raise IntegrityError(f"{payload.name}: {len(arrived)} models arrived")
    for name, data in arrived.items():
        payload.check(name, data)
