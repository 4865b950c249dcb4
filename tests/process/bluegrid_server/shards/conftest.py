"""Three servers side by side, each with one shard of a version."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest
import skops.io
from sklearn.linear_model import Ridge

from bluegrid_registry import ObjectMissing, models_in_folder, open_store, push, read_commit
from bluegrid_registry.shards import Shard, shard_of
from tests.process.bluegrid_server.server_process import PATIENCE, free_port, running, wait_until_ready
from tests.support.pods import BASE, SKOPS, published

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from bluegrid_server.settings import Settings

COUNT = 3
UIDS = [*(f"line-{number}" for number in range(20)), "江苏/500kV 1", "a/infer"]


@dataclass(frozen=True)
class Shards:
    """Servers of all shards, by index.

    Attributes:
        settings: of a server that would have all models.
        coefficients: the coefficient of each model, by UID.
    """

    settings: Settings
    own: list[Settings]
    ports: list[int]
    coefficients: Mapping[str, float]
    processes: list[subprocess.Popen[str]]
    clients: list[httpx.Client]

    def settings_of(self, index: int) -> Settings:
        """Return the settings of a server."""
        return self.own[index]

    def of_others(self, index: int) -> list[str]:
        """Return the UIDs that another shard than this has."""
        return [uid for uid in UIDS if shard_of(uid, COUNT) != index]


def request_of(value: float, **more: object) -> dict[str, object]:
    """Return a request for one row of one number."""
    tensor = {"name": "x", "shape": [1, 1], "datatype": "FP64", "data": [value]}
    return {"inputs": [tensor], **more}


def version_of_lines(work: Path) -> tuple[Settings, dict[str, float]]:
    """Publish a version of linear models; return settings of its pod, and each model's coefficient."""
    folder = work / "trained"
    coefficients = {uid: float(number + 1) for number, uid in enumerate(UIDS)}
    x = np.array([[0.0], [1.0], [2.0]])
    for uid, coefficient in coefficients.items():
        path = folder / f"{uid}.skops"
        path.parent.mkdir(parents=True, exist_ok=True)
        skops.io.dump(Ridge(alpha=0, solver="svd").fit(x, coefficient * x[:, 0]), path)
    return published(work, folder), coefficients


@contextmanager
def three_shards(
    work: Path, versions: Sequence[str] = ("v1",) * COUNT, *, start: bool = True
) -> Iterator[Shards]:
    """Run the servers; yield them once all are ready.

    Args:
        work: a folder for store and models.
        versions: the version of each server; others than v1 have the same models.
        start: whether the servers are started.
    """
    settings, coefficients = version_of_lines(work)
    ports = [free_port() for _ in range(COUNT)]
    peers = tuple(f"http://127.0.0.1:{port}" for port in ports)
    own = []
    for index, version in enumerate(versions):
        manifest = settings.manifest
        if version != "v1":
            manifest = _published_again(work, settings, version)
        changed = {"shard": Shard(index, COUNT), "peers": peers, "models": work / f"models-{index}"}
        changed |= {"version": version, "manifest": manifest, "metrics_port": free_port()}
        own.append(settings.model_copy(update=changed))
    with ExitStack() as stack:
        shards = Shards(settings, own, ports, coefficients, [], [])
        for each, port in zip(own if start else (), ports, strict=False):
            process, _ = stack.enter_context(running(each, port))
            shards.processes.append(process)
            url = f"http://127.0.0.1:{port}{BASE}"
            shards.clients.append(stack.enter_context(httpx.Client(base_url=url, timeout=PATIENCE)))
        for client in shards.clients:
            wait_until_ready(client)
        yield shards


def _published_again(work: Path, settings: Settings, version: str) -> str:
    store = open_store(settings.store)
    try:
        return read_commit(store, settings.set, version).manifest
    except ObjectMissing:
        models = models_in_folder(work / "trained", SKOPS)
        return push(store, settings.set, version, models, model_type=SKOPS).manifest


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shards]:
    """The servers, once all are ready."""
    with three_shards(tmp_path_factory.mktemp("shards")) as started:
        yield started
