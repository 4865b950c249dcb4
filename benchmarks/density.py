"""How many models one pod holds: the memory of a server, by size and number of its models.

    .venv/bin/python -m benchmarks.density [--quick]

A server with one worker loads a version, and each model answers once. Memory is the proportional set size of
all its processes, so that pages which they share count once. Sizes are of compressed skops files.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import psutil
import skops.io
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge

from benchmarks.machine import machine
from benchmarks.result_files import RESULTS, commit
from bluegrid_registry import ModelType, SourceModel, open_store, push
from bluegrid_registry.transfer.sources import LazyModels

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 2**20
INPUTS = 30
SKOPS = ModelType.parse("scikit-learn/skops")
TRUST = ("sklearn.tree._tree.Tree",)
_PATIENCE = 1800


@dataclass(frozen=True)
class Kind:
    """Models of about one size.

    Attributes:
        name: what they are.
        new: makes a model that is not fitted.
        rows: the rows that each is fitted to.
        counts: numbers of models, of a full and of a quick run.
    """

    name: str
    new: Callable[[], Any]
    rows: int
    counts: tuple[tuple[int, ...], tuple[int, ...]]


KINDS = (
    Kind("linear", Ridge, 60, ((1_000, 5_000, 20_000), (100, 500))),
    Kind(
        "forest of 5 trees of depth 6",
        lambda: RandomForestRegressor(5, max_depth=6, random_state=0),
        600,
        ((250, 1_000), (20, 50)),
    ),
    Kind(
        "forest of 35 trees of depth 7",
        lambda: RandomForestRegressor(35, max_depth=7, random_state=0),
        600,
        ((100, 400), (5, 10)),
    ),
)


def _models(kind: Kind, count: int) -> list[bytes]:
    """Return different models: a server may keep what files have in common once."""
    random = np.random.default_rng(7)
    x = random.normal(size=(kind.rows, INPUTS))
    fitted = (kind.new().fit(x, x @ random.normal(size=INPUTS)) for _ in range(count))
    return [skops.io.dumps(model, compression=zipfile.ZIP_DEFLATED) for model in fitted]


def _version(folder: Path, models: list[bytes], count: int) -> dict[str, str]:
    """Publish a version; return the environment of its server."""
    (folder / "store").mkdir(parents=True)
    store = f"file://{folder / 'store'}"
    named = {f"line-{number}": models[number] for number in range(count)}
    source = LazyModels(sorted(named), lambda uid: SourceModel(uid, named[uid], ()))
    pushed = push(open_store(store), "bench", "v1", source, model_type=SKOPS, trust=TRUST)
    return {
        **os.environ,
        "BLUEGRID_STORE": store,
        "BLUEGRID_SET": "bench",
        "BLUEGRID_VERSION": "v1",
        "BLUEGRID_MANIFEST": pushed.manifest,
        "BLUEGRID_TYPE": str(SKOPS),
        "BLUEGRID_SERVICE": "bench",
        "BLUEGRID_CLUSTER": "d1",
        "BLUEGRID_TRUST": json.dumps(TRUST),
        "BLUEGRID_MODELS": str(folder / "models"),
        "BLUEGRID_HOST": "127.0.0.1",
    }


def _measure(environment: dict[str, str], count: int, port: int) -> dict[str, float]:
    """Return memory in MiB and seconds of CPU until ready."""
    command = [sys.executable, "-m", "bluegrid_server", "serve"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, env={**environment, "BLUEGRID_PORT": str(port)}, stdout=quiet, stderr=quiet
    ) as process:
        try:
            server = psutil.Process(process.pid)
            with httpx.Client(
                base_url=f"http://127.0.0.1:{port}/modelService/bench/v2", timeout=600
            ) as client:
                _wait(client)
                started = _cpu(server)
                row = {"name": "x", "shape": [1, INPUTS], "datatype": "FP64", "data": [0.5] * INPUTS}
                for first in range(0, count, 1_000):
                    uids = [f"line-{number}" for number in range(first, min(count, first + 1_000))]
                    requests = [{"model_name": uid, "inputs": [row]} for uid in uids]
                    answer = client.post("/models:batchInfer", json={"requests": requests}).raise_for_status()
                    if failed := [each["error"] for each in answer.json()["responses"] if "error" in each]:
                        raise RuntimeError(failed[0])
            return {"mib": round(_pss(server), 1), "cpu_seconds": round(started, 1)}
        finally:
            process.terminate()


def _wait(client: httpx.Client) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            if client.get("/health/ready").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise TimeoutError(f"not ready after {_PATIENCE} s")


def _processes(server: psutil.Process) -> list[psutil.Process]:
    return [server, *server.children(recursive=True)]


def _pss(server: psutil.Process) -> float:
    return sum(float(each.memory_full_info().pss) for each in _processes(server)) / MIB


def _cpu(server: psutil.Process) -> float:
    times = [each.cpu_times() for each in _processes(server)]
    return sum(each.user + each.system + each.children_user + each.children_system for each in times)


def main() -> int:
    """Measure all kinds; write `density.json`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few models; written to a scratch folder")
    parser.add_argument("--port", type=int, default=18345)
    arguments = parser.parse_args()
    rows = []
    for kind in KINDS:
        models = _models(kind, max(kind.counts[arguments.quick]))
        size = sum(map(len, models)) / len(models)
        for count in kind.counts[arguments.quick]:
            with TemporaryDirectory() as folder:
                found = _measure(_version(Path(folder), models, count), count, arguments.port)
            rows.append({"kind": kind.name, "bytes": round(size), "models": count, **found})
            print(rows[-1], flush=True)
    result = {"machine": machine(), "commit": commit(), "rows": rows}
    place = Path("/tmp" if arguments.quick else RESULTS) / "density.json"  # noqa: S108 - figures of no worth
    place.write_text(json.dumps(result, indent=1) + "\n")
    print(f"{place} is written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
