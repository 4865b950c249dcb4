"""The documented roles have exactly the rights that `bluegrid doctor` checks."""

from __future__ import annotations

import pytest
from ruamel.yaml import YAML

from bluegrid.operations.rights import ROLES
from tests.support.checkout import CHECKOUT

FOLDER = CHECKOUT / "docs" / "operations" / "rbac"


def test_there_is_a_file_for_each_role() -> None:
    assert {f"bluegrid-{path.stem}" for path in FOLDER.glob("*.yaml")} == set(ROLES)


@pytest.mark.parametrize("name", ROLES)
def test_a_file_has_the_rules_of_its_role(name: str) -> None:
    role = YAML(typ="safe").load(FOLDER / f"{name.removeprefix('bluegrid-')}.yaml")
    assert (role["kind"], role["metadata"]) == ("ClusterRole", {"name": name})
    assert role["rules"] == [
        {"apiGroups": [rule.group], "resources": [*rule.kinds], "verbs": [*rule.verbs]}
        for rule in ROLES[name]
    ]


def test_only_who_updates_may_change_anything() -> None:
    changing = {"create", "patch", "delete"}
    for name in ("bluegrid-preview", "bluegrid-operator"):
        kinds = {kind for rule in ROLES[name] for kind in rule.kinds if changing & {*rule.verbs}}
        assert kinds <= {"pods/proxy"}
        assert "secrets" not in {kind for rule in ROLES[name] for kind in rule.kinds}
