"""The checks of a region before a cluster becomes live there."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from bluegrid.project import Stack
from bluegrid.promotion.applier import LocalApplier
from bluegrid.promotion.region import Region
from bluegrid_registry import Registry, Sizes
from tests.support import kubernetes_objects
from tests.support.api_server import ApiServer

if TYPE_CHECKING:
    from pathlib import Path

FILE = """\
set: {{id: g1, name: Loading, task: regression, type: scikit-learn/skops, source: platform}}
versions:
  - {{id: v1, manifest: "sha256:{one}", updated: 2026-11-21T08:00:00Z}}
  - {{id: v2, manifest: "sha256:{two}", updated: 2026-11-22T08:00:00Z}}
service:
  name: loading
  live: d1
  clusters:
    - {{id: d1, version: v1, {size}, cpu: 2, memory: 2Gi}}
    - {{id: d2, version: v2, {size}, cpu: 2, memory: 2Gi}}
{more}"""
AUTOSCALED = "autoscaling: {min: 1, max: 4, cpu: 70}"


def check(
    folder: Path, ready: int, of_live: int, size: str = AUTOSCALED, more: str = "", factor: int = 1
) -> None:
    """Check whether d2 with this many ready pods can take over from d1."""
    (folder / "registry").mkdir()
    text = FILE.format(one="1" * 64, two="2" * 64, size=size, more=more)
    (folder / "registry" / "g1.yaml").write_text(text)
    kinds = {
        "deployments": [
            kubernetes_objects.deployment("d1", "v1", of_live, of_live),
            kubernetes_objects.deployment("d2", "v2", ready, ready),
        ],
        "ingresses": [kubernetes_objects.live_route("d1")],
        "pods": [kubernetes_objects.running(f"loading-d1-{n}") for n in range(of_live)],
        "httproutes": [],
    }
    for each in (each for some in kinds.values() for each in some):
        each["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "bluegrid"
    with ApiServer(kinds) as api:
        stack = Stack(
            "north-1",
            folder / "Pulumi.north-1.yaml",
            "north",
            "there",
            "bluegrid",
            api.kubeconfig(folder),
            Sizes(Decimal(factor)),
        )
        registry = folder / "registry"
        offered = stack.offered(Registry.load(registry))
        Region(LocalApplier(registry), offered["loading"], "d2", stack).check()


def test_a_cluster_that_its_autoscaler_brings_up_for_the_switch_is_not_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    check(tmp_path, ready=1, of_live=4)
    assert caplog.messages == []


def test_one_that_its_autoscaler_cannot_bring_so_far_is_warned_of_with_the_remedy(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    check(tmp_path, ready=1, of_live=5)
    assert caplog.messages == [
        "north: d2 has 1 ready pod and takes over from 5 of d1; raise its autoscaling.max to 5 and "
        "`pulumi up --stack north-1` first"
    ]


def test_so_is_one_of_a_fixed_size(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    check(tmp_path, ready=2, of_live=3, size="replicas: 2")
    assert caplog.messages == [
        "north: d2 has 2 ready pods and takes over from 3 of d1; raise its replicas to 3 and "
        "`pulumi up --stack north-1` first"
    ]


def test_a_cluster_with_as_many_pods_is_not_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    check(tmp_path, ready=4, of_live=4)
    assert caplog.messages == []


@pytest.mark.parametrize(("size", "is_warned_of"), [("replicas: 3", False), ("replicas: 2", True)])
def test_a_standby_that_the_switch_itself_scales_is_warned_of_by_what_it_is_scaled_to(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, size: str, is_warned_of: bool
) -> None:
    check(tmp_path, ready=1, of_live=3, size=size, more="  standbyReplicas: 1\n")
    assert bool(caplog.messages) == is_warned_of


def test_a_region_s_own_size_factor_counts_for_what_a_standby_is_scaled_to(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    check(tmp_path, ready=1, of_live=4, size="replicas: 2", more="  standbyReplicas: 1\n", factor=2)
    assert caplog.messages == []
