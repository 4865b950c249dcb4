"""The order in which the program makes resources, and the effects of registry changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi.runtime import settings, stack

from tests.program.recorder import Plan, run_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pytest

    from bluegrid_components.proofs.gate import Gate

    Write = Callable[..., Path]

LIVE = "Ingress line-loading"


def differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from differences(old.get(key), new.get(key), f"{path}.{key}".lstrip("."))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, pair in enumerate(zip(old, new, strict=True)):
            yield from differences(*pair, f"{path}[{index}]")
    elif old != new:
        yield path


def changes(old: Plan, new: Plan) -> list[tuple[str, str]]:
    keys = sorted(old.resources.keys() | new.resources.keys())
    assert old.resources.keys() == new.resources.keys()
    return [(key, path) for key in keys for path in differences(old[key].inputs, new[key].inputs)]


def test_each_part_of_a_cluster_waits_for_the_one_before_it(registry: Write) -> None:
    plan = run_program(registry())
    chain = [
        "Job line-loading-d2-preflight",
        "Deployment line-loading-d2",
        "Service line-loading-d2",
        "Ingress line-loading-d2",
    ]
    for position, key in enumerate(chain):
        assert plan.before(key) & set(chain) == set(chain[:position])


def test_the_live_route_waits_for_all_of_the_live_cluster_and_for_no_other(registry: Write) -> None:
    plan = run_program(registry(live="d2"))
    before = plan.before(LIVE)
    assert {
        "Job line-loading-d2-preflight",
        "Deployment line-loading-d2",
        "Service line-loading-d2",
        "Ingress line-loading-d2",
    } <= before
    assert not [key for key in before if "d1" in key]


def test_a_standby_is_scaled_once_the_live_route_is_proven(registry: Write) -> None:
    for live, standby in (("d1", "d2"), ("d2", "d1")):
        plan = run_program(registry(live=live, more="  standbyReplicas: 0"))
        order = [*plan.resources]
        assert order.index(f"Deployment line-loading-{live}") < order.index(LIVE)
        assert order.index(LIVE) < order.index(f"Deployment line-loading-{standby}")
        # An order within one update only: kept in the state, it would turn around with each switch.
        assert LIVE not in plan.before(f"Deployment line-loading-{standby}")
        assert f"Deployment line-loading-{standby}" not in plan.before(LIVE)


def test_a_switch_changes_one_property_of_one_resource(registry: Write) -> None:
    before, after = run_program(registry(live="d1")), run_program(registry(live="d2"))
    assert changes(before, after) == [(LIVE, "spec.rules[0].http.paths[0].backend.service.name")]


def test_scaling_changes_the_number_of_pods_only(registry: Write) -> None:
    before, after = run_program(registry(replicas=2)), run_program(registry(replicas=3))
    assert changes(before, after) == [("Deployment line-loading-d2", "spec.replicas")]


def test_new_store_credentials_touch_no_pod(registry: Write) -> None:
    before, after = run_program(registry()), run_program(registry(), storeSecretKey="changed")
    assert {key for key, _ in changes(before, after)} == {"Secret bluegrid-store"}
    # Else the provider would delete the Secret first.
    assert after["kubernetes kubernetes"].inputs["enableSecretMutable"] in (True, "true")


def test_a_live_route_that_has_changed_is_proven_and_so_is_a_new_standing_route(registry: Write) -> None:
    plan = run_program(registry())
    for key in (LIVE, "Ingress line-loading-d1", "Ingress line-loading-d2"):
        hooks = plan[key].hooks
        assert {"after_create", "after_update"} <= set(hooks)
        assert ("before_update" in hooks) == (key == LIVE)
        assert hooks["after_create"] == hooks["after_update"]


def test_the_cluster_that_is_to_be_live_is_asked_once_more_before_the_live_route_changes(
    registry: Write,
) -> None:
    plan = run_program(registry(live="d2"))
    assert [key for key, each in plan.resources.items() if "before_update" in each.hooks] == [LIVE]
    assert plan[LIVE].hooks["before_update"] == ("bluegrid-ready",)


def test_what_may_fail_to_start_tells_why(registry: Write) -> None:
    plan = run_program(registry())
    printer = {
        key: each.hooks["on_error"] for key, each in plan.resources.items() if "on_error" in each.hooks
    }
    assert {key.split()[0] for key in printer} == {"Job", "Deployment"}
    # A state names the hook for ever.
    assert set(printer.values()) == {("bluegrid-reasons",)}


def test_all_routes_share_one_hook(registry: Write) -> None:
    plan = run_program(registry())
    names = {name for each in plan.resources.values() for name in each.hooks.get("after_create", ())}
    assert names == {"bluegrid-arrived"}


def test_every_resource_has_begun_to_register_when_the_sdk_begins_to_wait(
    registry: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []
    wait = stack.wait_for_rpcs

    async def counted() -> None:
        begun.append(len(settings._get_rpc_manager().rpcs))
        await wait()

    monkeypatch.setattr(stack, "wait_for_rpcs", counted)
    # Else its time grows with the square of their number.
    assert len(run_program(registry()).resources) <= begun[0]


def test_a_cluster_is_proven_to_be_out_of_use_before_its_first_object_goes(registry: Write) -> None:
    plan = run_program(registry())
    # A state names the hook for ever.
    drained = ("bluegrid-drained",)
    hooked = {key for key, each in plan.resources.items() if each.hooks.get("before_delete") == drained}
    assert hooked == {"Ingress line-loading-d1", "Ingress line-loading-d2"}
    # Deletes go backwards: what an object depends on outlives it.
    assert {"Service line-loading-d1", "Deployment line-loading-d1"} <= plan.before("Ingress line-loading-d1")


def test_what_other_stacks_of_the_namespace_may_use_is_asked_for_before_it_goes(registry: Write) -> None:
    plan = run_program(registry(), quotaPods="50")
    # A state names these hooks for ever too.
    assert {key: each.hooks for key, each in plan.resources.items() if "line-loading" not in each.name} == {
        "Platform platform": {},
        "Namespace platform": {"before_delete": ("bluegrid-platform-stays",)},
        "NetworkPolicy platform": {"before_delete": ("bluegrid-platform-stays",)},
        "ServiceAccount bluegrid-server": {"before_delete": ("bluegrid-platform-stays",)},
        "Secret bluegrid-store": {"before_delete": ("bluegrid-secret-stays",)},
        # Whoever needs no quota any more may delete it.
        "ResourceQuota platform": {},
        "kubernetes kubernetes": {},
    }


def test_where_the_proxy_cannot_be_reached_nothing_is_asked_of_it(registry: Write) -> None:
    plan = run_program(registry(), routeAddress="")
    # What the state says is asked: whether this update takes pods from what was live.
    asked = {
        each.key: hooks
        for each in plan.resources.values()
        if "line-loading" in each.name
        and (hooks := {moment: names for moment, names in each.hooks.items() if moment != "on_error"})
    }
    assert asked == {
        LIVE: {"before_update": ("bluegrid-handover",)},
        "Deployment line-loading-d2": {"before_update": ("bluegrid-keep-pods",)},
    }


def test_a_cluster_of_no_pods_is_not_asked_for_answers(registry: Write) -> None:
    plan = run_program(registry(replicas=0))
    assert "after_update" not in plan["Ingress line-loading-d2"].hooks
    assert "after_update" in plan["Ingress line-loading-d1"].hooks


def test_every_wait_ends_at_the_stacks_time_out(registry: Write) -> None:
    plan = run_program(registry(), readyTimeout="90")
    assert plan["Deployment line-loading-d1"].timeouts == ("90s", "90s")
    job = plan["Job line-loading-d1-preflight"]
    # The Job gives up first, because it knows the reason.
    assert job.inputs["spec"]["activeDeadlineSeconds"] == 90
    assert job.timeouts == ("105s", "105s")
    for key in ("Service line-loading-d1", "Ingress line-loading-d1", LIVE):
        assert plan[key].inputs["metadata"]["annotations"] == {
            "pulumi.com/patchForce": "true",
            "pulumi.com/skipAwait": "true",
        }


def test_proofs_of_answers_end_at_the_stacks_time_out(registry: Write, proofs: list[Gate]) -> None:
    run_program(registry(live="d2"), readyTimeout="20")
    assert [each.timeout for each in proofs] == [20, 20]


def test_a_preflight_that_fails_ends_at_once_and_is_replaced_by_the_next_update(registry: Write) -> None:
    job = run_program(registry())["Job line-loading-d1-preflight"].inputs
    assert job["spec"]["backoffLimit"] == 0
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"
    assert job["metadata"]["annotations"]["pulumi.com/replaceUnready"] == "true"
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_regions_switch_one_by_one(registry: Write) -> None:
    folder = registry(live="{default: d1, north: d2}")
    backends = {
        stack: run_program(folder, stack)[LIVE].inputs["spec"]["rules"][0]["http"]["paths"][0]["backend"]
        for stack in ("demo", "north")
    }
    assert backends["demo"]["service"]["name"] == "line-loading-d1"
    assert backends["north"]["service"]["name"] == "line-loading-d2"


def test_a_stack_runs_the_services_of_its_region(registry: Write) -> None:
    folder = registry(more="  regions: [north]")
    assert LIVE in run_program(folder, "north").resources
    assert LIVE in run_program(folder, "demo", region="north").resources
    assert LIVE not in run_program(folder, "demo").resources
