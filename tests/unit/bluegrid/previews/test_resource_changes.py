"""Differences in a resource, property by property."""

from __future__ import annotations

from typing import Any

import pytest

from bluegrid.previews import Plan
from bluegrid.previews.resource_changes import Difference, ResourceChange, changes_of

URN = "urn:pulumi:north::bluegrid::kubernetes:apps/v1:Deployment::line-loading-d1"


def differences(old: Any, new: Any, *paths: str) -> list[Difference]:
    return ResourceChange("update", "kubernetes:apps/v1:Deployment", "a", old, new, paths).differences


def test_properties_are_found_by_name_however_a_list_is_ordered() -> None:
    before = {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
    after = {"env": [{"name": "C", "value": "3"}, {"name": "B", "value": "4"}, {"name": "A", "value": "1"}]}
    assert differences(before, after) == [
        Difference("env.B.value", "2", "4"),
        Difference("env.C", None, {"name": "C", "value": "3"}),
    ]


def test_elements_without_names_are_found_by_number() -> None:
    before, after = ({"rules": [{"host": host}, "kept"]} for host in "ab")
    assert differences(before, after) == [Difference("rules.0.host", "a", "b")]
    assert differences({"rules": [1]}, {"rules": [1, 2]}) == [Difference("rules.1", None, 2)]


def test_what_pulumi_keeps_for_itself_is_no_difference() -> None:
    assert differences({"__internal": {}, "a": 1}, {"a": 1}) == []


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("stringData.AWS_SECRET_ACCESS_KEY", "stringData.AWS_SECRET_ACCESS_KEY"),
        ('data["ca.pem"]', "data.ca.pem"),
        ("spec.rules[0].host", "spec.rules"),
        ("spec.replicas", None),
    ],
)
def test_what_only_the_provider_sees_is_found_by_its_path(path: str, found: str | None) -> None:
    old, new = ({"data": "[secret]", "spec": {"replicas": number}} for number in (1, 2))
    hidden = [] if found is None else [Difference(found)]
    assert differences(old, new, path) == [Difference("spec.replicas", 1, 2), *hidden]


def test_a_resource_that_comes_or_goes_has_no_differences() -> None:
    assert differences(None, {"a": 1}) == differences({"a": 1}, None) == []


@pytest.mark.parametrize(
    "ops",
    [
        ("replace",),
        ("create-replacement", "replace", "delete-replaced"),
        ("delete-replaced", "create-replacement"),
    ],
)
def test_a_replacement_is_one_change_by_whatever_steps_it_is_told(ops: tuple[str, ...]) -> None:
    states = {
        "replace": {"oldState": {"inputs": {"a": 1}}, "newState": {"inputs": {"a": 2}}},
        "create-replacement": {"newState": {"inputs": {"a": 2}}},
        "delete-replaced": {"oldState": {"inputs": {"a": 1}}},
    }
    plan = Plan.model_validate({"steps": [{"op": op, "urn": URN} | states[op] for op in ops]})
    (change,) = changes_of(plan)
    assert (change.op, change.kind, change.name) == ("replace", "Deployment", "line-loading-d1")
    assert change.differences == [Difference("a", 1, 2)]
