"""The components in another Pulumi program, which writes manifests; it reaches a proxy in one test only."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.pulumi.elsewhere import HOST, REGISTRY, WHY, Answers, Elsewhere, Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.pulumi.conftest import Engine


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def elsewhere(engine: Engine, tmp_path: Path) -> Elsewhere:
    # The program writes manifests unless a cluster is named.
    del engine.environment["KUBECONFIG"]
    return Elsewhere(engine, tmp_path / "elsewhere")


def test_a_service_is_declared_with_the_components_alone(elsewhere: Elsewhere) -> None:
    assert elsewhere.run("stack", "output", "--json").json() == {
        "line-loading": f"http://{HOST}/modelService/line-loading"
    }
    assert elsewhere.live() == "line-loading-d1"
    assert elsewhere.pods() == {"d1": 2, "d2": 0}
    assert elsewhere.manifest("resourcequota", "bluegrid")["spec"] == {"hard": {"pods": "20"}}
    assert elsewhere.run("preview", "--expect-no-changes").exit_code == 0


def test_a_job_of_an_earlier_release_is_replaced_for_its_version_and_not_for_what_marks_its_pods(
    elsewhere: Elsewhere,
) -> None:
    job = "line-loading-d2-preflight"
    assert elsewhere.marks_of_job(job)["annotations"] == {"linkerd.io/inject": "disabled"}
    elsewhere.forget_marks_of_jobs()
    assert elsewhere.run("preview", "--expect-no-changes").exit_code == 0
    elsewhere.edit("id: v2, manifest", "id: v3, manifest")
    elsewhere.edit("version: v2", "version: v3")
    elsewhere.up()
    # The engine keeps ignored properties in a replacement too; the program's own labels are not ignored.
    assert elsewhere.marks_of_job(job)["labels"]["bluegrid.io/version"] == "v3"


def test_what_was_live_keeps_its_pods_in_the_update_that_switches(elsewhere: Elsewhere) -> None:
    elsewhere.edit("live: d1", "live: d2")
    elsewhere.up()
    assert elsewhere.live() == "line-loading-d2"
    assert elsewhere.pods() == {"d1": 2, "d2": 2}
    elsewhere.up()
    assert elsewhere.pods() == {"d1": 0, "d2": 2}


def test_an_update_that_switches_and_deletes_what_was_live_is_refused_before_it_switches(
    elsewhere: Elsewhere, tmp_path: Path
) -> None:
    d1 = "    - {id: d1, version: v1, replicas: 2, cpu: 1, memory: 1Gi}\n"
    elsewhere.edit("live: d1", "live: d2")
    elsewhere.edit(d1, "")
    why = "service line-loading: line-loading-d1 is live and to be deleted; " + WHY.format(
        remedy="keep it declared"
    )
    preview = elsewhere.run("preview", "--json", "--show-sames")
    assert preview.exit_code != 0
    refused = elsewhere.run("up", "--yes", "--skip-preview")
    assert refused.exit_code != 0
    assert f'before hook "bluegrid-handover" failed: {why}' in refused.errors()
    going_on = elsewhere.run("up", "--yes", "--skip-preview", "--continue-on-error")
    assert "service line-loading: its live route is not proven; nothing old was touched" in going_on.errors()
    assert elsewhere.live() == "line-loading-d1"
    assert elsewhere.pods()["d1"] == 2
    # So a pull request is refused too.
    (tmp_path / "north.json").write_text(preview.stdout)
    checked = subprocess.run(
        [
            Path(sys.executable).with_name("bluegrid"),
            "check",
            f"--preview={tmp_path / 'north.json'}",
            f"--registry={elsewhere.registry.parent}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 1
    assert why in checked.stderr

    elsewhere.edit("  clusters:\n", f"  clusters:\n{d1}")
    elsewhere.up()
    elsewhere.edit(d1, "")
    elsewhere.up()
    assert elsewhere.live() == "line-loading-d2"


def test_so_is_one_that_takes_pods_from_what_was_live(elsewhere: Elsewhere) -> None:
    elsewhere.edit("live: d1", "live: d2")
    elsewhere.edit("version: v1, replicas: 2", "version: v1, replicas: 1")
    why = "line-loading-d1 was live and is to have 1 pods instead of 2; " + WHY.format(
        remedy="keep its replicas"
    )
    refused = elsewhere.run("preview")
    assert refused.exit_code != 0
    assert f'Preview failed: before hook "bluegrid-keep-pods" failed: {why}' in refused.errors()


@pytest.mark.parametrize("options", [(), ("--continue-on-error",)], ids=["plain", "goes on"])
def test_a_gate_that_fails_leaves_the_old_cluster_its_pods(
    engine: Engine, tmp_path: Path, proxy: Proxy, options: tuple[str, ...]
) -> None:
    del engine.environment["KUBECONFIG"]
    engine.environment["ROUTE_ADDRESS"] = proxy.address
    elsewhere = Elsewhere(engine, tmp_path / "elsewhere")
    elsewhere.edit("live: d1", "live: d2")
    proxy.standing = "d2"
    refused = elsewhere.run("up", "--yes", "--skip-preview", *options)
    assert refused.exit_code != 0
    assert 'after hook "bluegrid-arrived" failed: service line-loading: cluster d2' in refused.stdout
    assert elsewhere.live() == "line-loading-d2"
    assert elsewhere.pods() == {"d1": 2, "d2": 2}
    proxy.live = "d2"
    elsewhere.up()
    assert elsewhere.pods() == {"d1": 0, "d2": 2}


def test_other_credentials_are_a_secret_of_their_own_and_the_old_one_goes_last(elsewhere: Elsewhere) -> None:
    assert (elsewhere.secrets(), elsewhere.named_by_pods("d1")) == ({"bluegrid-store"}, {"bluegrid-store"})
    elsewhere.environment["GENERATION"] = "3f2a"
    steps = elsewhere.run("preview", "--json").json()["steps"]
    order = [(each["op"], each["urn"].rpartition("::")[2]) for each in steps if each["op"] != "same"]
    names = [name for _, name in order]
    chain = ["bluegrid-store-3f2a", "line-loading-d1-preflight", "line-loading-d1", "bluegrid-store"]
    assert sorted(chain, key=names.index) == chain
    assert ("create", chain[0]) in order
    assert ("delete", chain[-1]) in order
    elsewhere.up()
    assert elsewhere.secrets() == {"bluegrid-store-3f2a"}
    assert elsewhere.named_by_pods("d1") == elsewhere.named_by_pods("d2") == {"bluegrid-store-3f2a"}


def test_a_secret_that_another_one_will_replace_orders_nothing_in_the_state(elsewhere: Elsewhere) -> None:
    resources = elsewhere.run("stack", "export").json()["deployment"]["resources"]
    (secret,) = (each["urn"] for each in resources if each["type"] == "kubernetes:core/v1:Secret")
    assert [each["urn"] for each in resources if secret in each.get("dependencies", ())] == []


def test_one_route_is_switched_while_other_credentials_wait_for_a_whole_update(elsewhere: Elsewhere) -> None:
    elsewhere.environment["GENERATION"] = "3f2a"
    elsewhere.edit("standbyReplicas: 0", "standbyReplicas: 1")
    elsewhere.edit("live: d1", "live: d2")
    ran = elsewhere.run("up", "--yes", "--skip-preview", "--target=urn:pulumi:north::grid::**::line-loading")
    assert ran.exit_code == 0, ran.stdout
    assert elsewhere.live() == "line-loading-d2"
    assert elsewhere.secrets() == elsewhere.named_by_pods("d2") == {"bluegrid-store"}


@pytest.mark.parametrize("routes", ["", "load"])
def test_targets_are_updated_while_a_switch_that_somebody_has_declared_waits(
    engine: Engine, tmp_path: Path, routes: str
) -> None:
    del engine.environment["KUBECONFIG"]
    elsewhere = Elsewhere(engine, tmp_path / "elsewhere", others={"g2": OTHER})
    elsewhere.up()
    elsewhere.edit("live: d1", "live: d2")
    elsewhere.environment |= {"BLUEGRID_PARTIAL_UPDATE": "1", "BLUEGRID_ROUTES": routes}
    ran = elsewhere.run(
        *("up", "--yes", "--skip-preview"),
        "--target=urn:pulumi:north::grid::**::line-loading-d1",
        "--target=urn:pulumi:north::grid::**::load",
    )
    assert ran.exit_code == 0, ran.errors()
    # A cluster that may be live keeps its pods until the update of the route.
    assert elsewhere.live() == "line-loading-d1"
    assert elsewhere.pods() == {"d1": 2, "d2": 0}
    del elsewhere.environment["BLUEGRID_PARTIAL_UPDATE"]
    elsewhere.up()
    assert elsewhere.live() == "line-loading-d2"
    assert elsewhere.pods() == {"d1": 2, "d2": 2}


OTHER = REGISTRY.replace("id: g1", "id: g2").replace("name: line-loading", "name: load")


@pytest.mark.parametrize("bad", ["load", "line-loading"])
def test_a_bad_set_does_not_hold_up_the_others_where_an_update_goes_on(
    engine: Engine, tmp_path: Path, proxy: Proxy, bad: str
) -> None:
    del engine.environment["KUBECONFIG"]
    engine.environment["ROUTE_ADDRESS"] = proxy.address
    proxy.silent = bad
    elsewhere = Elsewhere(engine, tmp_path / "elsewhere", others={"g2": OTHER})
    good = {"load", "line-loading"} - {bad}
    ran = elsewhere.run("up", "--yes", "--skip-preview", "--continue-on-error")
    assert ran.exit_code != 0
    for service in good:
        assert elsewhere.manifest("ingress", service)
        assert elsewhere.manifest("ingress", f"{service}-d2")
    assert f"service {bad}: its live route is not proven; nothing old was touched" in ran.errors()
