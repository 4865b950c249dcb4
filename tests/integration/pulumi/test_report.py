"""`bluegrid preview report` on real previews of a stack that is up, for each kind of change."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from bluegrid.previews import Plan, RegionReport, check_plan, effects_of, read_plan, render
from bluegrid.states import changes_between, states_of_objects
from tests.integration.pulumi.conftest import EXAMPLE, Engine
from tests.integration.pulumi.deployed import import_as_made, leave_outputs
from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NEW_IMAGE = f"registry.north.example/bluegrid/model-server@sha256:{'a' * 64}"


class Deployed:
    """The tracked stack `north` with the tracked registry, just brought up; previews do not change it."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine, self._folder = engine, folder
        shutil.copytree(EXAMPLE, folder / "registry")
        shutil.copy(CHECKOUT / "stacks" / "Pulumi.north.yaml", engine.config)
        engine.create_stack("north", {"registry": str(folder / "registry")})
        self._files = {file: file.read_text() for file in (self.registry, engine.config)}
        self._has_outputs = False
        self.new = self.plan()
        import_as_made(engine, "north", folder)

    @property
    def registry(self) -> Path:
        """The file of the one set."""
        return self._folder / "registry" / "g1.yaml"

    def left(self, outputs: dict[str, str]) -> None:
        """Set the outputs of the last update."""
        leave_outputs(self._engine, "north", self._folder, outputs)
        self._has_outputs = bool(outputs)

    def restore(self) -> None:
        """Undo the edits and outputs of a test."""
        if self._has_outputs:
            self.left({})
        for file, text in self._files.items():
            file.write_text(text)

    def set(self, key: str, value: str, *options: str) -> None:
        self._config("set", *options, f"bluegrid:{key}", value)

    def unset(self, key: str) -> None:
        self._config("rm", f"bluegrid:{key}")

    def _config(self, *arguments: str) -> None:
        config = ("--stack", "north", "--config-file", str(self._engine.config))
        self._engine.require("config", *arguments, *config)

    def edit(self, old: str, new: str) -> None:
        text = self.registry.read_text()
        assert old in text
        self.registry.write_text(text.replace(old, new))

    def plan(self) -> Plan:
        """Return the plan of a preview."""
        ran = self._engine.preview("north", "--json", "--show-sames")
        file = self._folder / "north.json"
        file.write_text(ran.stdout)
        return read_plan(file)


@pytest.fixture(scope="module")
def stack(programs_path: str, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    folder = tmp_path_factory.mktemp("deployed")
    return Deployed(Engine(programs_path, folder), folder)


@pytest.fixture
def deployed(stack: Deployed) -> Iterator[Deployed]:
    yield stack
    stack.restore()


def message(plan: Plan) -> list[str]:
    """Return the warnings and rows of the report, without the rules' findings."""
    before, after = (states_of_objects(each) for each in (plan.objects_before(), plan.objects_after()))
    changes = changes_between(before, after)
    assert plan.errors == []
    text = render([RegionReport("north", "plan", changes=changes, effects=effects_of(plan, changes))])
    return [line for line in text.splitlines() if line.startswith(("> - ", "| north"))]


def broken(plan: Plan) -> list[str]:
    return [finding.rule for finding in check_plan(plan)]


def test_a_stack_that_stays_as_it_is_says_so(deployed: Deployed) -> None:
    assert message(deployed.plan()) == ["| north | | nothing changes; services: 1 |"]


def test_a_new_stack_is_told_with_its_namespace(deployed: Deployed) -> None:
    assert message(deployed.new) == [
        "| north | | **create** the stack's access by kube context north<br>"
        "**create** namespace bluegrid-north with what its pods need there |",
        "| north | line-loading | **create** the service; live is d1 (v1)<br>create d2 (v2), 1 pod |",
    ]


def test_an_image_of_the_whole_stack(deployed: Deployed) -> None:
    deployed.set("image", NEW_IMAGE)
    assert message(deployed.plan()) == [
        "| north | | **image** of the whole stack: sha256:9f64a747e1b9 → sha256:aaaaaaaaaaaa<br>"
        "preflights run again, then every pod is replaced, one by one |"
    ]


def test_a_digit_of_a_live_version_s_digest(deployed: Deployed) -> None:
    deployed.edit("sha256:0b51a6f9f5c9", "sha256:1b51a6f9f5c9")
    assert message(deployed.plan()) == [
        "> - **north · line-loading**: d1 is live, and its version v1 gets another manifest, "
        "sha256:0b51a6f9f5c9 → sha256:1b51a6f9f5c9: clients get other models under its name; give them a "
        "version of their own, and switch",
        "| north | line-loading | **d1 gets another v1** (manifest sha256:0b51a6f9f5c9 → "
        "sha256:1b51a6f9f5c9): a rolling update of its pods<br>d2 stays warm |",
    ]


def test_another_namespace(deployed: Deployed) -> None:
    deployed.set("namespace", "acme")
    risk, row = message(deployed.plan())
    assert risk.startswith("> - **north**: namespace bluegrid-north → acme: Secrets and quotas that others")
    assert row == (
        "| north | | **replace** namespace bluegrid-north → acme: 14 resources are made there, and "
        "deleted here |"
    )


def test_a_gateway_in_the_place_of_an_ingress_class(deployed: Deployed) -> None:
    deployed.unset("ingressClass")
    deployed.set("gateway", "infra/public")
    assert message(deployed.plan()) == [
        "> - **north · line-loading**: Gateway infra/public answers for its URL instead of Ingress class "
        "contour; see that DNS leads there first",
        "| north | line-loading | **route** by Gateway infra/public instead of Ingress class contour |",
    ]


def test_another_ingress_class(deployed: Deployed) -> None:
    deployed.set("ingressClass", "nginx")
    assert message(deployed.plan())[1:] == [
        "| north | line-loading | **route** by Ingress class nginx instead of Ingress class contour |"
    ]


def test_another_host(deployed: Deployed) -> None:
    deployed.set("host", "models.example")
    assert message(deployed.plan()) == [
        "> - **north · line-loading**: its URL goes: clients of models.north.example get 404 from then on; "
        "move them to models.example first",
        "| north | line-loading | **host** models.north.example → models.example |",
    ]


def test_other_store_credentials(deployed: Deployed) -> None:
    deployed.set("storeSecretKey", "rotated", "--secret")
    risk, row = message(deployed.plan())
    assert risk.startswith("> - **north**: credentials in Secret bluegrid-store change: pods read them when")
    assert row == "| north | | **credentials** change: Secret bluegrid-store |"


def test_other_store_credentials_of_a_stack_that_this_program_has_updated(deployed: Deployed) -> None:
    deployed.left({"storeAccount": "of others"})
    (row,) = message(deployed.plan())
    assert row.startswith("| north | | **credentials** by Secret bluegrid-store → bluegrid-store-")
    assert row.endswith("<br>preflights run again, then every pod is replaced, one by one |")


def test_another_store(deployed: Deployed) -> None:
    deployed.set("store", "s3://models/bluegrid?endpoint=http://10.0.0.1:7070")
    assert message(deployed.plan()) == [
        "| north | | network policy of the pods changes: spec.egress.0.ports.0.port, spec.egress.0.to<br>"
        "**store** of the whole stack: "
        "s3://models/bluegrid?endpoint=https://store.north.example&region=north → "
        "s3://models/bluegrid?endpoint=http://10.0.0.1:7070<br>"
        "preflights run again, then every pod is replaced, one by one |"
    ]


def test_another_kube_context(deployed: Deployed) -> None:
    deployed.set("kubeContext", "demo")
    risk, row = message(deployed.plan())
    assert risk.startswith("> - **north**: kube context north → demo: if that is another cluster")
    assert row == "| north | | **kube context north → demo** |"


def test_another_set_id(deployed: Deployed) -> None:
    deployed.edit("id: g1,", "id: g2,")
    renamed = deployed.registry.rename(deployed.registry.with_name("g2.yaml"))
    plan = deployed.plan()
    renamed.unlink()
    risk, region, row = message(plan)
    assert risk.startswith(
        "> - **north · line-loading**: its URL answers with models of set g2 instead of g1"
    )
    assert region == "| north | | preflights run again, then every pod is replaced, one by one |"
    assert row == "| north | line-loading | **serves set g2 instead of g1**<br>d2 stays warm |"


def test_a_quota_and_a_time_limit_and_the_time_to_be_ready(deployed: Deployed) -> None:
    deployed.set("quotaPods", "9")
    deployed.set("readyTimeout", "300")
    deployed.edit("memory: 2Gi}", "memory: 2Gi, timeoutSeconds: 60}")
    (row,) = message(deployed.plan())
    assert row == (
        "| north | | create quota: pods 9<br>**settings** of the whole stack: BLUEGRID_TIME_LIMIT 4 → 60<br>"
        "**other properties of pods** of the whole stack: terminationGracePeriodSeconds 39 → 95<br>"
        "**time to be ready** of the whole stack: 600 → 300 s<br>"
        "preflights run again, then every pod is replaced, one by one |"
    )


def test_hosts_of_standing_routes(deployed: Deployed) -> None:
    deployed.set("standingDomain", "elsewhere.invalid")
    assert message(deployed.plan()) == [
        "| north | | hosts of standing routes change (routeKey or standingDomain): line-loading-d1 and "
        "line-loading-d2 |"
    ]


def test_a_live_cluster_without_pods_is_refused_by_yaml(deployed: Deployed) -> None:
    deployed.edit("version: v1, replicas: 2", "version: v1, replicas: 0")
    assert broken(deployed.plan()) == ["live-has-pods"]


def test_a_live_cluster_without_pods_is_refused_by_config(deployed: Deployed) -> None:
    deployed.set("replicas.line-loading-d1", "0", "--path")
    assert broken(deployed.plan()) == ["live-has-pods"]


def test_an_empty_registry_is_refused(deployed: Deployed) -> None:
    deployed.registry.unlink()
    plan = deployed.plan()
    assert broken(plan) == ["live-service-stays"]
    assert message(plan) == [
        "> - **north · line-loading**: its URL goes: clients get 404 from then on",
        "| north | line-loading | **delete** the service with its URL and d1 (v1) and d2 (v2) |",
    ]


def test_a_renamed_service_is_refused_until_it_is_allowed(deployed: Deployed) -> None:
    deployed.edit("name: line-loading", "name: loading")
    plan = deployed.plan()
    assert broken(plan) == ["live-service-stays"]
    assert check_plan(plan, may_go=["line-loading"]) == []
    assert [line.partition(" | ")[2] for line in message(plan)[1:]] == [
        "line-loading | **delete** the service with its URL and d1 (v1) and d2 (v2) |",
        "loading | **create** the service; live is d1 (v1)<br>create d2 (v2), 1 pod |",
    ]


def test_a_quota_that_lets_no_preflight_run_is_refused(deployed: Deployed) -> None:
    deployed.set("quotaPods", "3")
    assert broken(deployed.plan()) == []
    deployed.set("image", NEW_IMAGE)
    assert broken(deployed.plan()) == ["quota-suffices-to-update"]
