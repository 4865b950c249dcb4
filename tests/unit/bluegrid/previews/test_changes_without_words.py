"""Changes in a preview that have no words are counted and named."""

from __future__ import annotations

import pytest

from bluegrid.previews import Plan
from tests.unit.bluegrid.previews.effects import changed, report
from tests.unit.bluegrid.previews.stacks import (
    Stack,
    plan_between,
    stack,
    with_spec,
)


def test_what_has_no_words_is_counted_and_named() -> None:
    after = stack()
    for name in ("Service line-loading-d1", "Service line-loading-d2"):
        after[name] = with_spec(after[name], sessionAffinity="ClientIP")
    after["ConfigMap notes"] = {"metadata": {"name": "notes"}}
    assert changed(after) == [
        "| | other changes: 1 create (ConfigMap notes), "
        "2 update (Service line-loading-d1, Service line-loading-d2) |"
    ]


def test_a_change_that_only_partly_has_words_is_counted_too() -> None:
    after = stack(replicas=2)
    after["Deployment line-loading-d1"] = with_spec(after["Deployment line-loading-d1"], minReadySeconds=5)
    assert changed(after)[0] == "| | other changes: 1 update (Deployment line-loading-d1) |"
    assert "scale d1 from 1 pod to 2 pods" in changed(after)[1]


def test_pods_of_no_service_are_counted() -> None:
    before, after = (
        stack()
        | {"Deployment own": {"metadata": {"name": "own"}, "spec": {"template": {"spec": {"a": number}}}}}
        for number in (1, 2)
    )
    assert report(plan_between(before, after)) == ["| | other changes: 1 update (Deployment own) |"]


def test_of_many_other_changes_the_first_are_named() -> None:
    notes: Stack = {f"ConfigMap n{number}": {"metadata": {"name": "n"}} for number in range(7)}
    (row,) = changed(stack() | notes)
    assert row.endswith("ConfigMap n3, ConfigMap n4 and 2 more) |")


@pytest.mark.parametrize("op", ["update", "read", "refresh", "import", "remove-pending-replace"])
@pytest.mark.parametrize("index", range(len(stack())))
def test_no_step_but_same_is_ever_nothing(op: str, index: int) -> None:
    steps = plan_between(stack(), stack()).model_dump(by_alias=True)["steps"]
    steps[index]["op"] = op
    plan = Plan.model_validate({"steps": steps})
    step = plan.steps[index]
    kind = step.type.rpartition(":")[2]
    assert report(plan) == [f"| | other changes: 1 {op} ({kind} {step.name}) |"]


def test_what_an_unfinished_replacement_has_left_is_counted() -> None:
    steps = plan_between(stack(), stack()).model_dump(by_alias=True)["steps"]
    (job,) = [step for step in steps if step["urn"].endswith("Job::line-loading-d1-preflight")]
    plan = Plan.model_validate({"steps": [*steps, job | {"op": "delete-replaced", "newState": None}]})
    assert report(plan) == ["| | other changes: 1 delete-replaced (Job line-loading-d1-preflight) |"]


def test_components_and_the_stack_s_outputs_are_no_change_beside_others_and_named_alone() -> None:
    plan = plan_between(stack(), stack())
    alone = {"inputs": {}, "custom": False}
    component = {
        "op": "create",
        "urn": "urn:pulumi:north::bluegrid::bluegrid:serving:Route::line-loading",
        "newState": alone,
    }
    outputs = {
        "op": "update",
        "urn": "urn:pulumi:north::bluegrid::pulumi:pulumi:Stack::bluegrid-north",
        "oldState": alone,
        "newState": alone,
    }
    steps = plan.model_dump(by_alias=True)["steps"]
    assert report(Plan.model_validate({"steps": [outputs, *steps]})) == ["| | nothing changes; services: 1 |"]
    assert report(Plan.model_validate({"steps": [component, *steps]})) == [
        "| | other changes: 1 create (Route line-loading) |"
    ]
    note = {"op": "create", "urn": "urn:pulumi:north::bluegrid::kubernetes:core/v1:ConfigMap::note"}
    beside = Plan.model_validate({"steps": [component, note | {"newState": {"custom": True}}, *steps]})
    assert report(beside) == ["| | other changes: 1 create (ConfigMap note) |"]
