"""Imports go one way: a part never knows who uses it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
OURS = {
    "benchmarks",
    "cli",
    "components",
    "examples",
    "model_registry",
    "model_server",
    "operations",
    "policy",
    "previews",
    "promotion",
    "tests",
    "tools",
    "update_server",
}
MAY_IMPORT = {
    "model_registry": set(),
    "model_server": {"model_registry"},
    "components": {"model_registry"},
    "previews": {"model_registry"},
    "operations": {"model_registry", "previews"},
    "policy": {"previews"},
    "promotion": {"model_registry", "operations", "previews"},
    "update_server": {"components", "model_registry", "model_server", "operations", "previews", "promotion"},
    "cli": {"model_registry", "operations", "previews", "promotion", "update_server"},
    "examples": {"model_registry", "model_server"},
    "tools": {"model_registry", "examples", "previews"},
    "benchmarks": {"components", "examples", "model_registry", "model_server", "tools"},
}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_stands_below_it(package: str) -> None:
    allowed = MAY_IMPORT[package] | {package}
    strays = [
        f"{path.relative_to(CHECKOUT)} imports {name}"
        for path in sorted((CHECKOUT / package).rglob("*.py"))
        for name in _imported(path) & OURS
        if name not in allowed
    ]
    assert strays == []


@pytest.mark.parametrize("package", ["model_registry", "model_server", "previews"])
def test_what_runs_without_a_stack_knows_nothing_of_pulumi_and_kubernetes(package: str) -> None:
    for path in (CHECKOUT / package).rglob("*.py"):
        assert _imported(path).isdisjoint({"pulumi", "pulumi_kubernetes", "kubernetes"}), path


def _imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            names.add(node.module.partition(".")[0])
    return names
