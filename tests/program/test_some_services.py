"""An update of some services registers these alone, and the command's targets are what it registers."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pulumi
import pytest

from bluegrid.project import Urns
from bluegrid_registry import Registry
from bluegrid_registry.registry_files.some_services import load_services
from tests.program.cluster import api_server, kubeconfig
from tests.program.recorder import ENGINE, Plan, run_update

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Path]

VARIABLE = "BLUEGRID_SERVICES"
BASE = "http://10.77.0.2/modelService"
AUTOSCALED = """\
    - {id: d3, version: v3, cpu: 2, memory: 2Gi, autoscaling: {min: 2, max: 4, cpu: 70}}
    - {id: d4, version: v4, cpu: 2, memory: 2Gi, autoscaling: {min: 1, max: 4, cpu: 70}}
"""
VERSIONS = "".join(
    f'  - {{id: {version}, manifest: "sha256:{version[1] * 64}", updated: 2026-11-23T08:00:00Z}}\n'
    for version in ("v3", "v4")
)


@pytest.fixture
def folder(registry: Write) -> Path:
    """A registry of three services; the name of one is in the set of another."""
    folder = registry()
    text = (folder / "g1.yaml").read_text()
    for set_id, service in (("g2", "bus-voltage"), ("g3", "load")):
        other = text.replace("id: g1, name: Line loading", f"id: {set_id}, name: bus-voltage")
        (folder / f"{set_id}.yaml").write_text(other.replace("line-loading", service))
    return folder


def services(plan: Plan) -> set[str]:
    return {each.name for each in plan.resources.values() if each.type == "bluegrid:serving:ModelService"}


def test_all_others_are_not_registered_and_keep_their_urls(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = {"urls": {"line-loading": "http://old", "load": f"{BASE}/load", "elsewhere": f"{BASE}/elsewhere"}}
    monkeypatch.setenv(VARIABLE, "line-loading,bus-voltage")
    plan = run_update(folder, last=last)
    assert services(plan) == {"line-loading", "bus-voltage"}
    assert plan.outputs["urls"] == last["urls"] | {
        name: f"{BASE}/{name}" for name in ("line-loading", "bus-voltage")
    }
    assert "Namespace platform" in plan.resources


def test_mistakes_and_sizes_of_others_do_not_matter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "g3.yaml").write_text("no: registry file\n")
    monkeypatch.setenv(VARIABLE, "line-loading")
    changed = {"replicas": '{"load-d1": 5, "line-loading-d1": 3}'}
    plan = run_update(folder, changed)
    assert plan["Deployment line-loading-d1"].inputs["spec"]["replicas"] == 3


def test_one_that_is_not_declared_any_more_goes_where_that_is_allowed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = {"urls": {"gone": f"{BASE}/gone", "also-gone": f"{BASE}/also-gone", "load": f"{BASE}/load"}}
    monkeypatch.setenv(VARIABLE, "gone")
    with pytest.raises(pulumi.RunError, match=r"^gone is live and would be deleted: .* has no such service"):
        run_update(folder, last=last)
    monkeypatch.setenv("BLUEGRID_ALLOW_DELETE", "gone")
    plan = run_update(folder, last=last)
    assert services(plan) == set()
    assert plan.outputs["urls"] == {name: last["urls"][name] for name in ("also-gone", "load")}


@pytest.mark.parametrize("gateway", ["", "infra/public"])
def test_the_targets_of_a_service_are_exactly_what_the_program_registers(
    registry: Write, gateway: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = registry(more=AUTOSCALED + "  standbyReplicas: 0")
    file = folder / "g1.yaml"
    file.write_text(file.read_text().replace("service:\n", VERSIONS + "service:\n"))
    monkeypatch.setenv(VARIABLE, "line-loading")
    plan = run_update(folder, {"gateway": gateway, "ingressClass": ""} if gateway else None)
    shared = {"Namespace", "NetworkPolicy", "ServiceAccount", "Secret", "Platform", "kubernetes"}
    registered = {
        each.urn
        for each in plan.resources.values()
        if each.type.rpartition(":")[2] not in {*shared, "UpdateWithoutTargets"}
    }
    urns = Urns("bluegrid", "demo", with_gateway=bool(gateway))
    assert {*urns.of_service(Registry.load(folder).offered("demo")["line-loading"])} == registered
    assert len(registered) > 30


def test_credentials_that_a_whole_update_has_to_apply_are_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with api_server(missing=["/secrets/"]) as server:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "config", server, "kind")))
        monkeypatch.setenv(VARIABLE, "line-loading")
        with pytest.raises(pulumi.RunError, match="has no Secret bluegrid-store: an update of some services"):
            run_update(folder)
        # A switch starts no pods.
        monkeypatch.setenv("BLUEGRID_PARTIAL_UPDATE", "1")
        run_update(folder)


def test_an_update_without_targets_is_refused_by_the_engine_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The engine of these tests runs no hooks; tests/integration/pulumi has the real one."""
    caplog.set_level(logging.WARNING, ENGINE.name)
    assert "UpdateWithoutTargets update-without-targets" not in run_update(folder).resources
    monkeypatch.setenv(VARIABLE, "load")
    probe = run_update(folder)["UpdateWithoutTargets update-without-targets"]
    assert probe.hooks == {"before_create": ("bluegrid-has-targets",)}


@pytest.mark.parametrize(
    "text", ["name: {}", "name: '{}'", '"name": "{}"', "name: {}  # live", "{{name: {}, live: d1}}"]
)
def test_a_service_is_found_however_its_name_is_written(text: str) -> None:
    from bluegrid_registry.registry_files.some_services import _pattern

    assert _pattern(["line-loading"]).search(text.format("line-loading") + "\n")
    assert not _pattern(["line-loading"]).search(text.format("line-loading-2") + "\n")


def test_a_name_that_the_text_hides_is_looked_for_in_all_files(folder: Path) -> None:
    file = folder / "g3.yaml"
    file.write_text(file.read_text().replace("name: load", 'name: "lo\\x61d"'))
    assert load_services(folder, ["load"]).of_service("load").set.id == "g3"
