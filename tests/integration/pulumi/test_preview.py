"""`pulumi preview` and `up` of the stacks, on the real engine and provider, with no cluster in reach."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from bluegrid.previews import read_plan
from bluegrid.states import states_of_objects

if TYPE_CHECKING:
    from tests.integration.pulumi.conftest import Engine, Ran

# The registry of the repository: one service, a cluster of two pods and one of a single pod.
PLANNED = {
    "Namespace": 1,
    "NetworkPolicy": 1,
    "ServiceAccount": 1,
    "Secret": 1,
    "Job": 2,
    "Deployment": 2,
    "Service": 2,
    "PodDisruptionBudget": 1,
    "Ingress": 3,
}


def kubernetes_steps(ran: Ran) -> list[Any]:
    return [
        step for step in ran.json()["steps"] if "kubernetes:" in step["urn"].split("::")[2].split("$")[-1]
    ]


def kinds(ran: Ran) -> Counter[str]:
    urns = (step["urn"] for step in kubernetes_steps(ran) if "pulumi:providers" not in step["urn"])
    return Counter(urn.split("::")[2].rpartition(":")[2] for urn in urns)


@pytest.mark.parametrize("stack", ["demo", "north"])
def test_a_stack_is_planned_without_a_cluster_in_reach(stack: str, request: pytest.FixtureRequest) -> None:
    engine: Engine = request.getfixturevalue(stack)
    ran = engine.preview(stack, "--json")
    assert ran.exit_code == 0, ran.stderr
    assert kinds(ran) == PLANNED
    assert {step["op"] for step in kubernetes_steps(ran)} == {"create"}


@pytest.fixture
def behind_a_gateway(demo: Engine) -> Engine:
    """The stack `demo` with HTTPRoutes instead of Ingresses."""
    stack = ("--stack", "demo", "--config-file", str(demo.config))
    demo.require("config", "rm", "bluegrid:ingressClass", *stack)
    demo.require("config", "set", "bluegrid:gateway", "infra/public", *stack)
    return demo


def test_http_routes_are_planned_without_a_cluster_in_reach(behind_a_gateway: Engine) -> None:
    ran = behind_a_gateway.preview("demo", "--json")
    assert ran.exit_code == 0, ran.stderr
    planned = dict(PLANNED)
    planned["HTTPRoute"] = planned.pop("Ingress")
    assert kinds(ran) == planned


@pytest.fixture
def without_keys(demo: Engine) -> Engine:
    """The stack `demo` with workload identity instead of the store's account."""
    for key in ("storeAccessKey", "storeSecretKey"):
        demo.require("config", "rm", f"bluegrid:{key}", "--stack", "demo", "--config-file", str(demo.config))
    return demo


def test_pods_with_an_identity_of_their_own_need_no_secret(without_keys: Engine) -> None:
    ran = without_keys.preview("demo", "--json")
    assert ran.exit_code == 0, ran.stderr
    assert kinds(ran) == {kind: count for kind, count in PLANNED.items() if kind != "Secret"}


def test_a_key_of_the_store_in_clear_is_refused(without_keys: Engine) -> None:
    stack = ("--stack", "demo", "--config-file", str(without_keys.config))
    for key in ("storeAccessKey", "storeSecretKey"):
        without_keys.require("config", "set", "--plaintext", f"bluegrid:{key}", "swordfish", *stack)
    ran = without_keys.preview("demo")
    assert ran.exit_code != 0
    for key in ("storeAccessKey", "storeSecretKey"):
        fault = f"bluegrid:{key} is a secret and not encrypted: pulumi config set "
        f"--stack demo --secret bluegrid:{key} VALUE"
        assert fault in ran.stdout + ran.stderr
    assert "swordfish" not in ran.stdout + ran.stderr


@pytest.mark.parametrize("stack", ["demo", "behind_a_gateway"])
def test_no_secret_is_shown_in_a_preview(stack: str, request: pytest.FixtureRequest) -> None:
    engine: Engine = request.getfixturevalue(stack)
    ran = engine.preview("demo", "--json")
    assert ran.exit_code == 0, ran.stderr
    for secret in ("swordfish", "only the stack knows", ".standing.invalid"):
        assert secret not in ran.stdout


@pytest.mark.parametrize(
    ("passphrase", "reason"),
    [(None, "passphrase must be set with PULUMI_CONFIG_PASSPHRASE"), ("wrong", "incorrect passphrase")],
)
def test_a_passphrase_that_does_not_fit(demo: Engine, passphrase: str | None, reason: str) -> None:
    del demo.environment["PULUMI_CONFIG_PASSPHRASE"]
    if passphrase is not None:
        demo.environment["PULUMI_CONFIG_PASSPHRASE"] = passphrase
    ran = demo.preview("demo")
    assert ran.exit_code != 0
    (line,) = ran.errors()
    assert reason in line


def test_missing_settings_are_named_all_at_once(engine: Engine) -> None:
    engine.create_stack("demo", {"image": "localhost/model-server"})
    ran = engine.preview("demo")
    assert ran.exit_code != 0
    (line,) = ran.errors()
    assert line.endswith("missing configuration values 'kubeContext' and 'store'")


def test_a_setting_that_makes_no_sense_is_told_once_and_without_a_traceback(demo: Engine) -> None:
    config = ("--config-file", str(demo.config))
    demo.require("config", "set", "bluegrid:requestFactor", "2", "--stack", "demo", *config)
    ran = demo.preview("demo")
    assert ran.exit_code != 0
    assert ran.errors() == [
        "bluegrid:requestFactor: '2' is not a number above 0 and at most 1: "
        "pulumi config set --stack demo bluegrid:requestFactor VALUE"
    ]
    assert "Traceback" not in ran.stdout + ran.stderr


def test_a_registry_with_mistakes_is_told_line_by_line(demo: Engine) -> None:
    folder = demo.config.parent / "registry"
    folder.mkdir()
    (folder / "g1.yaml").write_text("set: {id: g1\n")
    config = ("--config-file", str(demo.config))
    demo.require("config", "set", "bluegrid:registry", str(folder), "--stack", "demo", *config)
    ran = demo.preview("demo")
    assert ran.exit_code != 0
    (line,) = ran.errors()
    assert line.startswith(f"{folder}/g1.yaml:")
    assert "Traceback" not in ran.stdout + ran.stderr


def test_a_stack_s_own_sizes_are_planned_and_told_in_the_report(demo: Engine) -> None:
    config = ("--stack", "demo", "--config-file", str(demo.config))
    demo.require("config", "set", "bluegrid:sizeFactor", "2.5", *config)
    demo.require("config", "set", "--path", "bluegrid:replicas.line-loading-d2", "4", *config)
    ran = demo.preview("demo", "--json", "--show-sames")
    assert ran.exit_code == 0, ran.stderr
    file = demo.config.parent / "demo.json"
    file.write_text(ran.stdout)
    plan = read_plan(file)
    assert plan.sizes == ["sizeFactor 2.5", 'replicas {"line-loading-d2":4}']
    states = states_of_objects(plan.objects_after())
    assert {each.id: each.replicas for each in states["line-loading"].clusters.values()} == {"d1": 5, "d2": 4}
