"""The same routes as HTTPRoutes, if the stack names a Gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pytest

from tests.program.recorder import SETTINGS, Plan, run_program, run_update
from tests.program.test_changes import changes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Path]

LIVE = "HTTPRoute line-loading"
GATEWAY = {"gateway": "infra/public", "ingressClass": ""}


def run(folder: Path, stack: str = "demo", **changed: str) -> Plan:
    return run_program(folder, stack, **GATEWAY | changed)


def backends(plan: Plan, key: str) -> list[tuple[str, int]]:
    (rule,) = plan[key].inputs["spec"]["rules"]
    return [(each["name"], each["weight"]) for each in rule["backendRefs"]]


def shared(registry: Write, traffic: str, live: str = "d1") -> Path:
    return registry(live=live, more=f"  traffic: {traffic}")


def test_a_route_is_attached_to_the_gateway_with_the_path_and_the_host(registry: Write) -> None:
    route = run(registry(), host="models.example.org")[LIVE]
    assert route.type == "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute"
    assert route.inputs["apiVersion"] == "gateway.networking.k8s.io/v1"
    group = "gateway.networking.k8s.io"
    assert route.inputs["spec"] == {
        "parentRefs": [{"group": group, "kind": "Gateway", "namespace": "infra", "name": "public"}],
        "hostnames": ["models.example.org"],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": "/modelService/line-loading"}}],
                "backendRefs": [
                    {"group": "", "kind": "Service", "name": "line-loading-d1", "port": 12345, "weight": 1}
                ],
            }
        ],
    }


def test_every_route_has_the_timeout_of_the_stack(registry: Write) -> None:
    with_timeout, without = run(registry(), gatewayTimeout="90"), run(registry())
    for name in ("line-loading", "line-loading-d1"):
        (rule,) = with_timeout[f"HTTPRoute {name}"].inputs["spec"]["rules"]
        assert rule["timeouts"] == {"request": "90s"}
        (rule,) = without[f"HTTPRoute {name}"].inputs["spec"]["rules"]
        assert "timeouts" not in rule


def test_one_listener_of_the_gateway_can_be_named(registry: Write) -> None:
    plan = run(registry(), gateway="infra/public/internal")
    for key in (LIVE, "HTTPRoute line-loading-d1"):
        assert plan[key].inputs["spec"]["parentRefs"][0]["sectionName"] == "internal"


def test_a_stack_has_the_one_kind_of_routes_or_the_other(registry: Write) -> None:
    with_gateway, without = run(registry()), run_program(registry())
    names = {"line-loading", "line-loading-d1", "line-loading-d2"}
    for plan, kind in ((with_gateway, "HTTPRoute"), (without, "Ingress")):
        found = {
            key.split()[1]: key.split()[0]
            for key in plan.resources
            if key.split()[0] in ("HTTPRoute", "Ingress")
        }
        assert found == dict.fromkeys(names, kind)


def test_a_route_has_arrived_when_the_proxy_answers_and_pulumi_itself_waits_for_nothing(
    registry: Write,
) -> None:
    plan = run(registry())
    for key in (LIVE, "HTTPRoute line-loading-d1"):
        assert plan[key].inputs["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"
        hooks = plan[key].hooks
        assert hooks["after_create"] == hooks["after_update"] == ("bluegrid-arrived",)
    assert plan["HTTPRoute line-loading-d1"].hooks["before_delete"] == ("bluegrid-drained",)


def test_standing_routes_have_hosts_that_nobody_can_guess(registry: Write) -> None:
    plan = run(registry(), standingDomain="standing.example.org")
    for cluster in ("d1", "d2"):
        route = plan[f"HTTPRoute line-loading-{cluster}"]
        assert backends(plan, route.key) == [(f"line-loading-{cluster}", 1)]
        assert "spec.hostnames[0]" in route.secrets
        label, _, domain = route.inputs["spec"]["hostnames"][0].partition(".")
        assert (len(label), domain) == (40, "standing.example.org")


def test_a_switch_changes_one_backend_of_one_route(registry: Write) -> None:
    before, after = run(registry(live="d1")), run(registry(live="d2"))
    assert changes(before, after) == [(LIVE, "spec.rules[0].backendRefs[0].name")]


def test_shares_are_weights_of_one_route_the_live_cluster_first(registry: Write) -> None:
    plan = run(shared(registry, "{d1: 10, d2: 90}", live="d2"))
    assert backends(plan, LIVE) == [("line-loading-d2", 90), ("line-loading-d1", 10)]
    other = run(shared(registry, "{d1: 20, d2: 80}", live="d2"))
    assert {key for key, _ in changes(plan, other)} == {LIVE}


def test_the_live_route_waits_for_each_cluster_that_gets_requests(registry: Write) -> None:
    both = {"HTTPRoute line-loading-d1", "HTTPRoute line-loading-d2", "Deployment line-loading-d2"}
    assert both <= run(shared(registry, "{d1: 90, d2: 10}")).before(LIVE)
    only = run(shared(registry, "{d1: 90, d2: 0}")).before(LIVE)
    assert not [key for key in only if "d2" in key]


def test_each_cluster_that_gets_requests_has_all_its_pods_and_is_proven_first(registry: Write) -> None:
    folder = registry(replicas=3, more="  traffic: {north: {d1: 90, d2: 10}}\n  standbyReplicas: 0")
    for stack, pods in (("north", 3), ("demo", 0)):
        plan = run(folder, stack)
        assert plan["Deployment line-loading-d2"].inputs["spec"]["replicas"] == pods
        order = [*plan.resources]
        assert (order.index("Deployment line-loading-d2") < order.index(LIVE)) == bool(pods)
        assert plan[LIVE].hooks["before_update"] == ("bluegrid-ready",)


def test_what_was_changed_by_hand_is_put_back(registry: Write) -> None:
    plan = run(registry())
    for key in (LIVE, "HTTPRoute line-loading-d1"):
        assert plan[key].inputs["metadata"]["annotations"]["pulumi.com/patchForce"] == "true"


def test_regions_share_each_for_itself(registry: Write) -> None:
    folder = shared(registry, "{north: {d1: 90, d2: 10}}")
    assert backends(run(folder, "north"), LIVE) == [("line-loading-d1", 90), ("line-loading-d2", 10)]
    assert backends(run(folder, "demo"), LIVE) == [("line-loading-d1", 1)]
    # Elsewhere an Ingress does.
    assert "Ingress line-loading" in run_program(folder, "demo").resources


def test_an_ingress_refuses_to_share(registry: Write) -> None:
    with pytest.raises(pulumi.RunError) as refusal:
        run_program(shared(registry, "{d1: 90, d2: 10}"))
    assert str(refusal.value) == (
        "service line-loading: its traffic in demo is shared by d1 and d2, and an Ingress leads to one; set "
        "bluegrid:gateway in the place of bluegrid:ingressClass, or: bluegrid switch line-loading d1"
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"ingressClass": "contour"},
            "bluegrid:ingressClass: the routes attach to bluegrid:gateway; keep one of the two: "
            "pulumi config rm --stack demo bluegrid:ingressClass",
        ),
        (
            {"tlsSecret": "models-tls", "host": "models.example.org"},
            "bluegrid:tlsSecret: the listeners of bluegrid:gateway have the certificates: "
            "pulumi config rm --stack demo bluegrid:tlsSecret",
        ),
        (
            {"gateway": "public"},
            "bluegrid:gateway: 'public' is not namespace/name of a Gateway, or namespace/name/listener: "
            "pulumi config set --stack demo bluegrid:gateway VALUE",
        ),
        (
            {"gateway": "", "ingressClass": "contour", "gatewayTimeout": "90"},
            "bluegrid:gatewayTimeout: Ingresses have annotations for it; set bluegrid:routeAnnotations: "
            "pulumi config rm --stack demo bluegrid:gatewayTimeout",
        ),
        (
            {"gatewayTimeout": "1m"},
            "bluegrid:gatewayTimeout: '1m' is not a number of seconds above 0: "
            "pulumi config set --stack demo bluegrid:gatewayTimeout VALUE",
        ),
        (
            {"gateway": ""},
            "bluegrid:ingressClass: no proxy answers for the routes; set it, or bluegrid:gateway: "
            "pulumi config set --stack demo bluegrid:ingressClass VALUE",
        ),
    ],
    ids=["both", "certificate", "no name", "timeout of an Ingress", "no number", "neither"],
)
def test_a_setting_that_makes_no_sense(registry: Write, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(pulumi.RunError) as refusal:
        run(registry(), **changed)
    assert str(refusal.value) == message


def test_a_proxy_that_no_setting_names_is_asked_for_by_the_setting_of_that_name(
    registry: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(SETTINGS, "ingressClass")
    with pytest.raises(pulumi.RunError, match="pulumi config set --stack demo bluegrid:ingressClass VALUE"):
        run_update(registry(), project="grid-models")
