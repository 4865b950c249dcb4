"""Imports go one way: a package never imports its users."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDERS = {
    "bluegrid_registry": "model_registry/bluegrid_registry",
    "bluegrid_server": "model_server/bluegrid_server",
    "bluegrid_components": "components/bluegrid_components",
    "bluegrid_openstef": "openstef_plugin/bluegrid_openstef",
    "bluegrid.cache": "bluegrid/cache.py",
    "bluegrid.signals": "bluegrid/signals.py",
    "bluegrid.image": "bluegrid/image",
    "bluegrid.project": "bluegrid/project",
    "bluegrid.templates": "bluegrid/templates",
    "bluegrid.states": "bluegrid/states",
    "bluegrid.previews": "bluegrid/previews",
    "bluegrid.operations": "bluegrid/operations",
    "bluegrid.local": "bluegrid/local",
    "bluegrid.mlflow": "bluegrid/mlflow",
    "bluegrid.observability": "bluegrid/observability",
    "bluegrid.policy": "bluegrid/policy",
    "bluegrid.promotion": "bluegrid/promotion",
    "bluegrid.tour": "bluegrid/tour",
    "bluegrid.updates": "bluegrid/updates",
    "bluegrid.cli": "bluegrid/cli",
    "examples": "examples",
    "tools": "tools",
    "benchmarks": "benchmarks",
    "tests": "tests",
}
MAY_IMPORT = {
    "bluegrid_registry": set(),
    "bluegrid_server": {"bluegrid_registry"},
    "bluegrid_components": {"bluegrid_registry"},
    "bluegrid_openstef": {"bluegrid_registry", "bluegrid_server"},
    "bluegrid.cache": set(),
    "bluegrid.signals": set(),
    # The contents of an image are data: bluegrid finds the files of bluegrid_server without importing it.
    "bluegrid.image": {"bluegrid_registry", "bluegrid.cache"},
    "bluegrid.project": {"bluegrid_registry", "bluegrid.signals"},
    # What a user's project begins with: it imports what such a project does.
    "bluegrid.templates": {"bluegrid_components"},
    "bluegrid.states": {"bluegrid_registry"},
    "bluegrid.previews": {"bluegrid_registry", "bluegrid.states"},
    "bluegrid.operations": {"bluegrid_registry", "bluegrid.states"},
    "bluegrid.observability": set(),
    # The server is a process of its own, and is not imported.
    "bluegrid.local": {"bluegrid_registry", "bluegrid.operations"},
    "bluegrid.mlflow": {"bluegrid_registry"},
    "bluegrid.policy": {"bluegrid.previews", "bluegrid.states"},
    "bluegrid.promotion": {
        "bluegrid_registry",
        "bluegrid.operations",
        "bluegrid.previews",
        "bluegrid.project",
        "bluegrid.states",
    },
    "bluegrid.tour": {"bluegrid_registry", "bluegrid.local", "bluegrid.operations"},
    "bluegrid.updates": {
        "bluegrid_registry",
        "bluegrid_server",
        "bluegrid.operations",
        "bluegrid.project",
        "bluegrid.promotion",
        "bluegrid.states",
    },
    "bluegrid.cli": {
        "bluegrid_registry",
        "bluegrid.image",
        "bluegrid.local",
        "bluegrid.mlflow",
        "bluegrid.operations",
        "bluegrid.policy",
        "bluegrid.previews",
        "bluegrid.project",
        "bluegrid.promotion",
        "bluegrid.signals",
        "bluegrid.states",
        "bluegrid.tour",
        "bluegrid.updates",
    },
    "examples": {"bluegrid_openstef", "bluegrid_registry", "bluegrid_server"},
    "tools": {
        "bluegrid_registry",
        "bluegrid.cache",
        "bluegrid.image",
        "bluegrid.previews",
        "bluegrid.tour",
    },
    "benchmarks": {
        "bluegrid_registry",
        "bluegrid_components",
        "bluegrid_openstef",
        "bluegrid_server",
        "bluegrid.cache",
        "bluegrid.image",
        "bluegrid.operations",
        "bluegrid.states",
        "bluegrid.tour",
        "bluegrid.updates",
        "examples",
        "tools",
    },
}


def test_every_package_is_listed() -> None:
    installed = {
        ".".join(path.relative_to(CHECKOUT / root).parts)
        for root, pattern in (
            ("model_registry", "bluegrid_*"),
            ("model_server", "bluegrid_*"),
            ("components", "bluegrid_*"),
            ("openstef_plugin", "bluegrid_*"),
            (".", "bluegrid/*"),
        )
        for path in (CHECKOUT / root).glob(pattern)
        if path.is_dir() and path.name != "__pycache__"
    }
    assert installed <= {*FOLDERS}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_stands_below_it(package: str) -> None:
    allowed = MAY_IMPORT[package] | {package}
    assert [*_modules(package)], f"{package} has moved"
    strays = [
        f"{path.relative_to(CHECKOUT)} imports {name}"
        for path in _modules(package)
        for name in sorted(_imported(path))
        if (owner := _owner(name)) is not None and owner not in allowed
    ]
    assert strays == []


@pytest.mark.parametrize(
    "package", ["bluegrid_registry", "bluegrid_server", "bluegrid.states", "bluegrid.previews"]
)
def test_what_runs_without_a_stack_knows_nothing_of_pulumi_and_kubernetes(package: str) -> None:
    for path in _modules(package):
        roots = {name.partition(".")[0] for name in _imported(path)}
        assert roots.isdisjoint({"pulumi", "pulumi_kubernetes", "kubernetes"}), path


def _modules(package: str) -> Iterator[Path]:
    path = CHECKOUT / FOLDERS[package]
    yield from [path] if path.is_file() else sorted(path.rglob("*.py"))


def _owner(name: str) -> str | None:
    """Return our package that a module belongs to, or None."""
    return next((each for each in FOLDERS if name == each or name.startswith(f"{each}.")), None)


def _imported(path: Path) -> set[str]:
    """Return the modules that a file imports; for `from a import b` also `a.b`, which may be a module."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names
