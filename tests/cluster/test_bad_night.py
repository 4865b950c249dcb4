"""A bad night: everything that a rollout needs fails while a bad version bakes; no other client notices."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from tests.cluster.regions import backend
from tests.cluster.trouble import Stack, until
from tests.cluster.updating import UpdateServer, files_of
from tests.support.browsing import chromium
from tests.support.updating import digest
from tools.demo import steps
from tools.demo.workspace import SERVICE
from tools.load.process import Load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.cluster.conftest import Local
    from tools.demo.workspace import Workspace
    from tools.load.report import LoadReport

RATE = 50
LONGEST = 900
BAKE_SECONDS = 600
"""Seconds; longer than all other failures in the bake: the version's own fault comes last."""
BACK_SECONDS = 60
"""Seconds from the first failed request of the bad version: time for the verdict and the way back."""
DISK = "size=384m"
MARK = "3600.25"
"""Seconds that the trainer's daemon sleeps; no other process has this argument."""
NEIGHBOUR = """\
set: {id: g2, name: Neighbour, task: regression, type: scikit-learn/skops, source: platform}
versions: []
"""
BROKEN = NEIGHBOUR.replace("[]", "[{id: v1, manifest: sha256:12, updated: 2026-11-28T00:00:00Z}]")
HANGING = f"""\
set:
  id: g3
  name: Hanging
  task: regression
  type: scikit-learn/skops
  source: platform
  update:
    trainer:
      command: [sh, -c, "echo begun; setsid sleep {MARK} & exec sleep {MARK}"]
      timeoutSeconds: 10
versions: []
"""


@dataclass
class Device:
    """Clients of one model, which the bad version lacks; they send nothing until they begin."""

    uid: str
    url: str
    host: str
    inputs: list[list[float]]
    answers: list[tuple[str, int]] = field(default_factory=list)
    """Cluster and status of each answer."""
    began: float = 0.0

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Send requests during the block."""
        over = threading.Event()
        thread = threading.Thread(target=self._ask, args=(over,))
        self.began = time.monotonic()
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _ask(self, over: threading.Event) -> None:
        with httpx.Client(headers={"Host": self.host}, trust_env=False, timeout=30) as client:
            while not over.wait(0.1):
                answer = client.post(self.url, json={"model": self.uid, "instances": self.inputs})
                cluster = answer.headers.get("Bluegrid-Cluster", "")
                self.answers.append((cluster, answer.status_code))


@dataclass(frozen=True)
class Night:
    """Observations of the night."""

    faults: Mapping[str, str]
    """The faults in `/healthz`, at the worst moment."""
    metrics: str
    """The metrics at the same moment."""
    refused: httpx.Response
    """The answer to an upload while the disk was full."""
    back_seconds: float
    """Seconds from the first failed request of the version until the old cluster was live again."""
    device: Device
    update: dict[str, Any]
    hanging: dict[str, Any]
    well: Mapping[str, Any]
    """`/healthz` at the end."""
    metrics_after: str
    page: str
    log: str
    subjects: list[str]
    load: LoadReport
    preview: list[str]


@pytest.fixture(scope="module")
def night(local: Local, online: Callable[[str], Workspace]) -> Iterator[Night]:
    work, models = online("bad-night"), local.prepared.models
    server = UpdateServer(work)
    with _disk(server.folder / "state") as disk:
        rollout = f"{{to: live, bakeSeconds: {BAKE_SECONDS}, within: {{atol: 200, share: 0.05}}}}"
        text = (work.registry / "g1.yaml").read_text()
        server.commit(NEIGHBOUR, "g2")
        server.commit(HANGING, "g3")
        server.commit(
            text.replace("source: platform}", f"source: platform, update: {{rollout: {rollout}}}}}")
        )
        server.start()
        requests, device = _without_one(work, models)
        address, report = work.place.route_url, work.state / "load.json"
        try:
            with Load.start(address, SERVICE, requests, report, RATE, LONGEST, work.host) as load:
                message = _night(Stack(local, work), server, device, disk)
                result = load.stop()
        finally:
            server.stop()
        server.declared()
        changes = [f"{change.op} {change.name}" for change in steps.preview(work)]
        log, subjects = "".join(server.log), server.subjects()
        yield Night(**message, device=device, log=log, subjects=subjects, load=result, preview=changes)


def _without_one(work: Workspace, models: Path) -> tuple[Path, Device]:
    """Leave one model out of the load; its clients start later."""
    wanted = json.loads((models / "requests.json").read_text())
    uid = _missing(models)
    inputs = wanted["inputs"].pop(uid)
    path = work.state / "requests.json"
    path.write_text(json.dumps(wanted))
    url = f"{work.place.route_url}/modelService/{SERVICE}/predict"
    return path, Device(uid, url, str(work.host), inputs[:1])


def _missing(models: Path) -> str:
    """Return the model that the bad version lacks: the first model of v4 that v1 has too."""
    v1, v4 = (json.loads((models / each / "examples.json").read_text()) for each in ("v1", "v4"))
    return str(min(v1.keys() & v4.keys()))


def _night(stack: Stack, server: UpdateServer, device: Device, disk: Path) -> dict[str, Any]:
    uid = _missing(stack.local.prepared.models)
    files = files_of(stack.local.prepared.models / "v4")
    del files[f"{uid}.skops"]
    examples = json.loads(files["examples.json"])
    del examples[uid]
    files["examples.json"] = json.dumps(examples).encode()
    update = server.request(files, base="v1", without=[uid], version="v4")
    server.wait(update, lambda found: "baking" in (found["rollout"] or {"step": ""})["step"])
    assert backend(stack.work) == "d3"

    server.declared()
    server.commit(BROKEN, "g2")
    until(lambda: "registry" in _health(server).get("faults", {}))
    with server.client() as client:
        asked = client.post("/modelSets/g3/updates", json={"train": {}}).raise_for_status()
    hanging = str(asked.headers["Location"])
    git = server.remote.rename(server.remote.with_name("away.git"))
    with stack.gone("versitygw"):
        until(lambda: "store" in _health(server).get("faults", {}))
    with stack.gone("kube-apiserver"), server.client() as client:
        until(lambda: any(each["error"] for each in client.get("/status").json()))
    filled = _fill(disk)
    try:
        with server.client() as client:
            refused = client.put(f"/uploads/{digest(MARK.encode())}", content=MARK.encode())
        with device.asking():
            until(lambda: backend(stack.work) == "d1")
            back_seconds = time.monotonic() - device.began
            until(lambda: device.answers[-1] == ("d1", 200))
        until(lambda: "git" in _health(server).get("faults", {}))
        worst = _health(server), httpx.get(f"{server.url}/metrics", trust_env=False).text
    finally:
        filled.unlink()
        git.rename(server.remote)
    ended, hung = server.ended(update), server.ended(hanging)
    server.declared()
    server.commit(NEIGHBOUR, "g2")
    until(lambda: _health(server)["status"] == "ok")
    return {
        "faults": worst[0]["faults"],
        "metrics": worst[1],
        "refused": refused,
        "back_seconds": back_seconds,
        "update": ended,
        "hanging": hung,
        "well": _health(server),
        "metrics_after": httpx.get(f"{server.url}/metrics", trust_env=False).text,
        "page": _page(server),
    }


def _health(server: UpdateServer) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.url}/healthz", trust_env=False, timeout=30).json()
    return found


def _page(server: UpdateServer) -> str:
    """Return the page's text on updates in the morning."""
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{server.url}/#/updates")
        page.get_by_label("Token").fill(server.operator)
        page.get_by_role("button", name="Sign in").click()
        main = page.get_by_role("main")
        main.get_by_text("rolled back").first.wait_for()
        return str(main.inner_text())


@contextmanager
def _disk(folder: Path) -> Iterator[Path]:
    """Give the server a separate disk, which can be filled."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", DISK, "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _fill(disk: Path) -> Path:
    """Fill the disk; return the file to delete."""
    path = disk / "filling"
    with path.open("wb", buffering=0) as file:
        for size in (2**20, 4096):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
    return path


def test_nobody_notices_but_the_clients_of_what_the_version_lacks(night: Night) -> None:
    assert night.load.failed_total == 0, night.load.failures
    assert {*night.load.by_version} == {"v1", "v4"}
    failed = {cluster for cluster, status in night.device.answers if status != 200}
    assert failed == {"d3"}


def test_the_old_cluster_is_live_again_within_a_minute(night: Night) -> None:
    assert night.back_seconds < BACK_SECONDS
    assert night.device.answers[-1] == ("d1", 200)


def test_everything_converges(night: Night) -> None:
    assert night.update["state"] == "rolled_back", night.update
    assert "requests failed, more than 1.00%" in night.update["error"]
    assert night.preview == []
    assert night.well == {"status": "ok", "faults": {}}
    assert f"{SERVICE}: d3 goes, v4 did not pass" in night.subjects


def test_a_trainer_that_hangs_ends_at_its_time_out_with_all_that_it_has_started(night: Night) -> None:
    assert night.hanging["state"] == "failed", night.hanging
    assert "the trainer took more than 10 s; its last lines: begun" in night.hanging["error"]
    commands = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    assert ["sleep", MARK] not in commands


def test_what_fails_is_told_while_it_does(night: Night) -> None:
    assert {*night.faults} >= {"git", "registry", "disk", "uncommitted"}
    for check in ("git", "registry", "disk", "uncommitted"):
        assert f'bluegrid_well{{check="{check}"}} 0' in night.metrics
        assert f'bluegrid_well{{check="{check}"}} 1' in night.metrics_after
    assert night.refused.status_code == 507
    assert "free space" in night.refused.json()["error"], night.refused.json()


def test_what_happened_can_be_read_in_the_morning(night: Night) -> None:
    events = [json.loads(line)["event"] for line in night.log.splitlines() if line.startswith("{")]
    assert {
        "the registry is as it was known last",
        "the disk is full; the room kept for a way back is used",
        "update rolled back",
    } <= {*events}
    assert "v4 is not online" in night.page
    assert "requests failed, more than 1.00%" in night.page
    assert "the trainer took more than 10 s" in night.page
