"""A registry with one service and two clusters, which each test can vary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bluegrid_components.proofs.hooks import Proofs
from tests.program.cluster import api_server, kubeconfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pulumi

    from bluegrid_components.proofs.gate import Gate

FILE = """\
set: {{id: g1, name: Line loading, task: regression, type: scikit-learn/skops, source: platform}}
versions:
  - {{id: v1, manifest: "sha256:{v1}", updated: 2026-11-21T08:00:00Z}}
  - {{id: v2, manifest: "sha256:{v2}", updated: 2026-11-22T08:00:00Z}}
service:
  name: line-loading
  live: {live}
  clusters:
    - {{id: d1, version: v1, replicas: 2, cpu: 2, gpu: 0, memory: 2Gi}}
    - {{id: d2, version: v2, replicas: {replicas}, cpu: 500m, gpu: {gpu}, memory: 1Gi}}
{more}
"""


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The kubeconfig of a cluster that answers, context `kind`."""
    with api_server() as server:
        yield kubeconfig(tmp_path_factory.mktemp("kube") / "config", server, "kind", "kind-models")


@pytest.fixture(autouse=True)
def reached(cluster: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the stacks of these tests deploy to."""
    monkeypatch.setenv("KUBECONFIG", str(cluster))


@pytest.fixture
def proofs(monkeypatch: pytest.MonkeyPatch) -> list[Gate]:
    """The proofs of the live route that a program declares, as it does so."""
    declared: list[Gate] = []
    expect = Proofs.expect

    def note(self: Proofs, route: str, gate: Gate | None, host: pulumi.Input[str] | None) -> object:
        if route == "line-loading" and gate is not None:
            declared.append(gate)
        return expect(self, route, gate, host)

    monkeypatch.setattr(Proofs, "expect", note)
    return declared


@pytest.fixture
def registry(tmp_path: Path) -> Callable[..., Path]:
    """Write the registry and return its folder: which cluster is live, how many pods and GPUs d2 has."""

    def write(live: str = "d1", replicas: int = 1, gpu: int = 0, more: str = "") -> Path:
        text = FILE.format(v1="1" * 64, v2="2" * 64, live=live, replicas=replicas, gpu=gpu, more=more)
        (tmp_path / "g1.yaml").write_text(text)
        return tmp_path

    return write
