"""Within bluegrid_registry imports go one way: from a row of the table to rows above it."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2] / "model_registry" / "bluegrid_registry"
LAYERS = (
    {"errors"},
    {"frozen", "names", "files", "ignore_patterns"},
    {"contract", "route_client"},
    {"model_types"},
    {"formats"},
    {"stores"},
    {"signing"},
    {"registry_files"},
    {"transfer"},
    {"maintenance"},
    {"model_set"},
    {"__init__"},
)
"""Modules and sub-packages, from the bottom up; those in one row do not know each other."""

LEVELS = {name: level for level, names in enumerate(LAYERS) for name in names}


def test_every_module_and_package_has_a_layer() -> None:
    there = {
        path.stem
        for path in ROOT.iterdir()
        if path.suffix == ".py" or (path.is_dir() and path.name != "__pycache__")
    }
    assert there == {*LEVELS}


def test_a_layer_imports_only_what_lies_below_it() -> None:
    arrows = [
        (name, target, path.relative_to(ROOT).as_posix())
        for path in sorted(ROOT.rglob("*.py"))
        for name in [path.relative_to(ROOT).parts[0].removesuffix(".py")]
        for target in _imported(path)
        if target != name
    ]
    assert len(arrows) > 100
    strays = [f"{path} imports {target}" for name, target, path in arrows if LEVELS[target] >= LEVELS[name]]
    assert strays == []


def _imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == ROOT.name:
            modules = [f"{ROOT.name}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules = [node.module]
        else:
            continue
        # A name that is no layer's is one of `bluegrid_registry/__init__.py`, which is above all.
        parts = [name.split(".") for name in modules if name.split(".")[0] == ROOT.name]
        found |= {each[1] if len(each) > 1 and each[1] in LEVELS else "__init__" for each in parts}
    return found
