"""The steps of the demo, each with the commands that a user would type, and its result."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.demo.workspace import SERVICE, SET, Ran, Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Pushed:
    """One `bluegrid push`."""

    version: str
    models: int
    sent_models: int
    sent_bytes: int
    packs_healed: int
    seconds: float


@dataclass(frozen=True)
class Change:
    """One change that `pulumi preview` announces."""

    op: str
    kind: str
    name: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Switched:
    """One switch: what the preview announced, and the update."""

    cluster: str
    changes: tuple[Change, ...]
    up: Ran


def declare_set(work: Workspace, example: Path) -> None:
    """Start the registry with the example's model set, without versions and service."""
    (work.registry / f"{SET}.yaml").write_text((example / "demo" / "set.yaml").read_text())


def push(work: Workspace, models: Path, version: str, base: str | None = None) -> Pushed:
    """Push a folder of models as a version."""
    options = [] if base is None else ["--base", base]
    ran = work.bluegrid("push", str(models), "--set", SET, "--version", version, *options, "--json").require()
    report = ran.json()
    fields = ("version", "models", "sent_models", "sent_bytes", "packs_healed")
    return Pushed(**{field: report[field] for field in fields}, seconds=ran.seconds)


def verify(work: Workspace, version: str) -> Ran:
    """Read every byte of a version in the store again."""
    return work.bluegrid("verify", SET, version)


def diff(work: Workspace, old: str, new: str) -> Ran:
    """Compare two versions."""
    return work.bluegrid("version", "diff", SET, old, new, "--json").require()


def declare_service(work: Workspace) -> None:
    """Declare the service, with its first cluster; `up` puts it online."""
    options = ("--set", SET, "--cluster", "d1", "--version", "v1", "--replicas", "2")
    work.bluegrid("service", "add", SERVICE, *options).require()


def up(work: Workspace) -> Ran:
    """Run `pulumi up` without its preview; `preview` is a step of its own."""
    return work.pulumi("up", "--yes", "--skip-preview")


def preview(work: Workspace) -> tuple[Change, ...]:
    """Run `pulumi preview`; return the changes that it announces."""
    steps = work.pulumi("preview", "--json").require().json()["steps"]
    changes = tuple(_change(step) for step in steps if step["op"] != "same")
    for change in changes:
        work.echo(f"  {change.op} {change.kind} {change.name}: {', '.join(change.paths)}")
    return changes


def _change(step: Mapping[str, Any]) -> Change:
    *_, kind, name = step["urn"].split("::")
    return Change(step["op"], kind.rpartition("$")[2], name, tuple(step.get("detailedDiff") or ()))


def add_cluster(work: Workspace, cluster: str, version: str) -> None:
    """Declare a cluster of one pod; `up` starts it."""
    work.bluegrid("cluster", "add", SERVICE, cluster, "--version", version).require()


def remove_cluster(work: Workspace, cluster: str) -> None:
    """Remove a cluster; `up` deletes it."""
    work.bluegrid("cluster", "remove", SERVICE, cluster).require()


def edit_live(work: Workspace, cluster: str) -> None:
    """Change the word after `live:`."""
    work.bluegrid("switch", SERVICE, cluster).require()


def switch(work: Workspace, cluster: str) -> Switched:
    """Edit the word, preview, `pulumi up`."""
    edit_live(work, cluster)
    changes = preview(work)
    return Switched(cluster, changes, up(work).require())


def switch_past_a_failed_cluster(work: Workspace, cluster: str) -> Ran:
    """Switch while a broken cluster is still declared: `--up` updates the live route alone."""
    return work.bluegrid("switch", SERVICE, cluster, "--up", "--yes")


def damage(work: Workspace, version: str, uid: str) -> str:
    """Flip a byte of a model in the store; return the SHA-256 of the model's pack."""
    return (
        work.run(sys.executable, "-m", "bluegrid.tour.faults", SET, version, uid).require().output.split()[-1]
    )
