"""The registry of the benchmark: one service that answers, and any number of faked services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.demo.workspace import SERVICE, SET

if TYPE_CHECKING:
    from tools.demo.workspace import Workspace

VERSIONS = ("v1", "v2")
CLUSTERS = {"v1": "d1", "v2": "d2"}
"""The cluster of each version, the same in every service."""


def declare_real(work: Workspace) -> None:
    """Put the example's set online: both versions, one pod each."""
    with (work.registry / f"{SET}.yaml").open("a") as file:
        file.write(_service(SERVICE, gpu=0))


def declare_fakes(work: Workspace, numbers: range, region: str | None = None) -> None:
    """Declare a faked service for each number, in all regions or in one."""
    for number in numbers:
        name = f"fake-{number:04d}"
        lines = [
            f"set: {{id: {name}, name: {name}, task: t, type: scikit-learn/skops, source: platform}}",
            "versions:",
            *(_version(version, f"{number:063x}{digit}") for digit, version in enumerate(VERSIONS)),
            _service(name, gpu=1, region=region),
        ]
        (work.registry / f"{name}.yaml").write_text("\n".join(lines))


def _version(version: str, digest: str) -> str:
    return f'  - {{id: {version}, manifest: "sha256:{digest}", updated: 2026-11-21T08:00:00Z}}'


def _service(name: str, gpu: int, region: str | None = None) -> str:
    clusters = "".join(
        f"    - {{id: {cluster}, version: {version}, replicas: 1, cpu: 2, gpu: {gpu}, memory: 2Gi}}\n"
        for version, cluster in CLUSTERS.items()
    )
    regions = f"  regions: [{region}]\n" if region else ""
    return f"service:\n  name: {name}\n{regions}  live: {CLUSTERS['v1']}\n  clusters:\n{clusters}"
