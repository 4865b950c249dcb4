"""Reading the output of `pulumi preview --json`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bluegrid.previews import read_plan
from bluegrid_registry import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

URN = (
    "urn:pulumi:north::bluegrid::bluegrid:serving:Route$kubernetes:networking.k8s.io/v1:Ingress::line-loading"
)


def written(folder: Path, **document: Any) -> Path:
    file = folder / "north.json"
    file.write_text(json.dumps(document))
    return file


def test_a_preview_that_leaves_out_what_stays_is_none(tmp_path: Path) -> None:
    file = written(tmp_path, steps=[{"op": "update", "urn": URN}], changeSummary={"same": 3, "update": 1})
    with pytest.raises(ConfigError, match="leaves out 3 unchanged resources; write it with"):
        read_plan(file)


def test_a_step_of_no_resource_is_none_of_a_preview(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not the JSON of a preview"):
        read_plan(written(tmp_path, steps=[{"op": "same", "urn": "line-loading"}]))


def test_a_whole_preview_names_its_stack_and_lists_what_it_touches(tmp_path: Path) -> None:
    steps = [
        {"op": "update", "urn": URN, "detailedDiff": {"spec.rules[0].host": {"kind": "update"}}},
        {"op": "same", "urn": URN},
    ]
    plan = read_plan(written(tmp_path, steps=steps, changeSummary={"same": 1, "update": 1}))
    assert plan.stack == "north"
    assert plan.listed() == (
        "update  kubernetes:networking.k8s.io/v1:Ingress line-loading\n"
        "          spec.rules[0].host\n"
        "1 same, 1 update"
    )


def test_of_a_replaced_object_what_it_was_is_not_what_it_will_be(tmp_path: Path) -> None:
    def state(name: str) -> dict[str, Any]:
        return {"inputs": {"metadata": {"name": name}}}

    steps = [
        {"op": "create-replacement", "urn": URN, "newState": state("new")},
        {"op": "delete-replaced", "urn": URN, "oldState": state("old")},
    ]
    plan = read_plan(written(tmp_path, steps=steps))
    assert [each.name for each in plan.objects_before()] == ["old"]
    assert [each.name for each in plan.objects_after()] == ["new"]
