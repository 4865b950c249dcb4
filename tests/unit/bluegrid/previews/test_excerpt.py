"""A preview of some services is true of these alone, and its rules count the others."""

from __future__ import annotations

from bluegrid.previews import Excerpt, Plan, RegionReport, check_plan, effects_of, planned_changes, render
from bluegrid.states import KubernetesObject, changes_between, states_of_objects
from tests.unit.bluegrid.previews.stacks import (
    NEW_IMAGE,
    Stack,
    cluster,
    live_route,
    plan_between,
    quota,
    stack,
)


def part(plan: Plan, *others: KubernetesObject) -> Plan:
    """Return a plan as that of `line-loading` alone."""
    return plan.model_copy(update={"excerpt": Excerpt(services=("line-loading",), others=others)})


def sentences(plan: Plan) -> tuple[list[str], list[str]]:
    """Return the sentences about the region, and about the service."""
    before, after = (states_of_objects(each) for each in (plan.objects_before(), plan.objects_after()))
    effects = effects_of(plan, changes_between(before, after))
    return list(effects.region), list(effects.services.get("line-loading", ()))


def test_what_is_true_of_all_that_is_previewed_is_not_said_of_the_whole_stack() -> None:
    plan = plan_between(stack(), stack(image=NEW_IMAGE))
    of_region, of_service = sentences(plan)
    assert any("of the whole stack" in each for each in of_region)
    assert of_service == []
    of_region, of_service = sentences(part(plan))
    assert of_region == []
    assert [each.partition(":")[0] for each in of_service] == [
        "image of d1 and d2",
        "pods of d1 and d2 are replaced one by one, after a preflight",
    ]


def test_a_service_that_goes_is_not_the_last_of_the_stack() -> None:
    gone = {name: each for name, each in stack().items() if "line-loading" not in name}
    plan = plan_between(stack(), gone)
    (whole,) = check_plan(plan)
    assert (whole.place, whole.message.partition(",")[0]) == ("Stack north", "the update leaves no service")
    (some,) = check_plan(part(plan))
    assert (some.place, some.message.partition(":")[0]) == (
        "ModelService line-loading",
        "it is live and is deleted",
    )


def limited(pods: str, **of_clusters: int) -> Stack:
    return stack(**of_clusters) | {"ResourceQuota bluegrid": quota(pods=pods)}


def test_a_quota_counts_the_pods_of_services_that_are_not_previewed() -> None:
    inputs = cluster(1, service="wind", replicas=3)["Deployment wind-d1"]
    wind = KubernetesObject(type="kubernetes:apps/v1:Deployment", inputs=inputs)
    plan = plan_between(limited("6"), limited("6", replicas=2))
    assert [each.rule for each in check_plan(plan)] == []
    (short,) = check_plan(part(plan, wind))
    assert (short.rule, short.message.partition(",")[0]) == ("quota-suffices", "pods: 7 needed by all pods")


def test_the_comment_says_what_is_covered_and_what_waits() -> None:
    excerpt = Excerpt(services=("load", "wind"), applied="c0ffee" * 6, waiting=("peak", "solar"))
    text = render([RegionReport("north", "the preview", excerpt=excerpt)])
    assert (
        "- **north**: the preview covers load and wind. Not shown, and part of the next `pulumi up`: "
        "peak, solar, changed since commit c0ffeec0ff, which was applied last.\n"
        "- All services are previewed at night, and here with the label `preview-all`.\n"
    ) in text


def test_many_services_that_wait_are_counted() -> None:
    waiting = tuple(f"s{number}" for number in range(12))
    text = render([RegionReport("north", "", excerpt=Excerpt(services=("a",), applied="c", waiting=waiting))])
    assert "s9 and 2 more, changed since commit c," in text


def test_a_comment_about_all_services_says_nothing_of_what_is_covered() -> None:
    assert "covers" not in render([RegionReport("north", "the preview")])


def test_planned_changes_are_counted_and_a_plan_without_any_has_none() -> None:
    switched = stack() | {"Ingress line-loading": live_route("line-loading-d2")}
    (line,) = planned_changes(plan_between(stack(), switched))
    assert line.startswith("would change: 1 update (Ingress line-loading); apply what waits with `pulumi up`")
    assert planned_changes(plan_between(stack(), stack())) == []
