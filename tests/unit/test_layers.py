"""Within each package imports go one way: from a row of its table to rows above it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

LAYERS = {
    "model_registry/bluegrid_registry": (
        {"remedies"},
        {"errors"},
        {"frozen", "names", "files", "ignore_patterns", "counts"},
        {"contract", "route_client", "shards"},
        {"route_backends"},
        {"model_types"},
        {"formats"},
        {"stores"},
        {"signing"},
        {"registry_files"},
        {"transfer"},
        {"maintenance"},
        {"model_set"},
        {"__init__"},
    ),
    "components/bluegrid_components": (
        {"sdk", "fingerprint", "partial_update", "kubernetes_api", "pods"},
        {"proofs"},
        {"routes"},
        {"model_services_args", "platform", "shared_platform"},
        {"config", "hosting", "checks"},
        {"cluster_args"},
        {"parts"},
        {"pod_specs"},
        {"model_cluster"},
        {"model_service"},
        {"model_services", "program"},
        {"plugin"},
        {"__init__"},
    ),
    "model_server/bluegrid_server": (
        {"hidden"},
        {"errors", "logs", "settings", "threads", "__init__"},
        {"metrics", "termination"},
        {"protocol"},
        {"ipc", "shards"},
        {"frameworks"},
        {"models"},
        {"engine", "http"},
        {"processes"},
        # The dispatcher answers for linear models itself, and has the fork server's handle.
        {"front"},
        {"serve", "preflight", "imports"},
        {"attached"},
        {"__main__"},
    ),
    "bluegrid/updates": (
        {"errors", "disk_reserve", "secrecy"},
        {"jobs"},
        {"registry_source"},
        {"publishing"},
        {"rollouts"},
        {"runners", "region_watcher"},
        {"health"},
        {"api"},
        {"serve"},
        {"__init__"},
    ),
}
"""Modules and sub-packages, from the bottom up; those in one row do not import each other."""


class Import(NamedTuple):
    """One part of a package imports another."""

    part: str
    imported: str
    file: str


@pytest.mark.parametrize("package", LAYERS)
def test_every_module_and_package_has_a_layer(package: str) -> None:
    there = {
        path.stem
        for path in (CHECKOUT / package).iterdir()
        if path.suffix == ".py" or (path.is_dir() and any(path.rglob("*.py")))
    }
    assert there == {*_levels(package)}


@pytest.mark.parametrize("package", LAYERS)
def test_a_layer_imports_only_what_lies_below_it(package: str) -> None:
    levels, imports = _levels(package), _imports(package)
    assert len(imports) > 30
    strays = [each for each in imports if levels[each.imported] >= levels[each.part]]
    assert strays == []


def _levels(package: str) -> dict[str, int]:
    return {name: level for level, names in enumerate(LAYERS[package]) for name in names}


def _imports(package: str) -> list[Import]:
    root = CHECKOUT / package
    return [
        Import(part, imported, path.relative_to(root).as_posix())
        for path in sorted(root.rglob("*.py"))
        for part in [path.relative_to(root).parts[0].removesuffix(".py")]
        for imported in sorted(_imported(path, _name(package), {*_levels(package)}))
        if imported != part
    ]


def _name(package: str) -> str:
    """Return the dotted name of a package, whose folder may be in its distribution's folder."""
    return package.replace("/", ".") if package.startswith("bluegrid/") else package.rpartition("/")[2]


def _imported(path: Path, package: str, parts: set[str]) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == package:
            modules = [f"{package}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules = [node.module]
        else:
            continue
        # A name that is not a layer comes from the package's `__init__.py`, which is above all layers.
        names = [f"{name}." for name in modules]
        inner = [name.removeprefix(f"{package}.") for name in names if name.startswith(f"{package}.")]
        found |= {each.split(".")[0] if each.split(".")[0] in parts else "__init__" for each in inner}
    return found
