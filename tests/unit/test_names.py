"""A concept has one class: public class names are unique in the packages."""

from __future__ import annotations

import ast
from collections import defaultdict

from tests.support.checkout import CHECKOUT

PACKAGES = (
    "bluegrid",
    "components/bluegrid_components",
    "model_registry/bluegrid_registry",
    "model_server/bluegrid_server",
    "openstef_plugin/bluegrid_openstef",
)


def test_no_class_name_stands_twice() -> None:
    places = defaultdict(list)
    for package in PACKAGES:
        for path in sorted((CHECKOUT / package).rglob("*.py")):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append(path.relative_to(CHECKOUT).as_posix())
    assert len(places) > 200
    assert {name: files for name, files in places.items() if len(files) > 1} == {}
