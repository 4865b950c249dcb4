"""The five distributions have one version, one origin, and the metadata that an index shows."""

from __future__ import annotations

import ast
import importlib
import re
import sys
import tomllib
from typing import Any

import pytest

from tests.support.checkout import CHECKOUT

FILES = {
    "bluegrid": "pyproject.toml",
    "bluegrid-components": "components/pyproject.toml",
    "bluegrid-registry": "model_registry/pyproject.toml",
    "bluegrid-openstef": "openstef_plugin/pyproject.toml",
    "bluegrid-server": "model_server/pyproject.toml",
}


def project(name: str) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((CHECKOUT / FILES[name]).read_text())["project"]
    return found


def requirements(name: str) -> list[str]:
    found = project(name)
    optional = (each for extra in found.get("optional-dependencies", {}).values() for each in extra)
    return [*found["dependencies"], *optional]


def test_each_distribution_is_named_in_its_own_file() -> None:
    assert {name: project(name)["name"] for name in FILES} == {name: name for name in FILES}


def test_all_have_the_same_version_and_are_locked_in_it() -> None:
    versions = {project(name)["version"] for name in FILES}
    locked = tomllib.loads((CHECKOUT / "uv.lock").read_text())["package"]
    versions |= {each["version"] for each in locked if each["name"] in FILES}
    assert len(versions) == 1


def test_they_require_each_other_in_exactly_this_version() -> None:
    version = project("bluegrid")["version"]
    found = [
        (name, required)
        for name in FILES
        for required in requirements(name)
        # An extra of the same distribution has its version anyway.
        if (other := re.split(r"[\[=<>~! ]", required)[0]) in FILES and other != name
    ]
    assert len(found) > 5
    assert [each for each in found if not each[1].endswith(f"=={version}")] == []


def test_a_package_that_two_require_has_one_lower_bound() -> None:
    bounds: dict[str, set[str]] = {}
    for name in FILES:
        for required in requirements(name):
            other, _, bound = required.partition(">=")
            bounds.setdefault(other, set()).add(bound)
    assert {other: found for other, found in bounds.items() if len(found) > 1} == {}


@pytest.mark.parametrize("name", FILES)
def test_an_index_shows_where_a_distribution_comes_from(name: str) -> None:
    found, ours = project(name), project("bluegrid")
    assert found["urls"] == ours["urls"]
    assert found["requires-python"] == ours["requires-python"]
    assert found["license-files"] == ["LICENSE"]
    # A copy: a link to the file outside of the package's folder would not be in its sdist.
    licence = (CHECKOUT / FILES[name]).with_name("LICENSE")
    assert licence.read_text() == (CHECKOUT / "LICENSE").read_text()
    pythons = [
        each for each in found["classifiers"] if each.startswith("Programming Language :: Python :: 3.")
    ]
    assert pythons[0].endswith(found["requires-python"].removeprefix(">="))
    assert pythons == [each for each in ours["classifiers"] if each in pythons]


# bluegrid-openstef is installed in an environment of its own: tests/integration/openstef.
@pytest.mark.parametrize("name", [each for each in FILES if each != "bluegrid-openstef"])
def test_a_package_is_typed_and_knows_its_version(name: str) -> None:
    package = name.replace("-", "_")
    (folder,) = [*CHECKOUT.glob(f"{package}/py.typed"), *CHECKOUT.glob(f"*/{package}/py.typed")]
    assert folder.is_file()
    assert re.fullmatch(r"\d+\.\d+\.\d+", importlib.import_module(package).__version__)


def test_one_address_stands_in_all_files_that_name_it() -> None:
    address = project("bluegrid")["urls"]["Repository"]
    named = {
        found
        for path in ("SECURITY.md", "bluegrid/README.md", "bluegrid/observability/files/rules.yaml")
        for found in re.findall(r"https://github\.com/[\w-]+/bluegrid\b", (CHECKOUT / path).read_text())
    }
    assert named == {address}


_DISTRIBUTIONS = {
    "mlflow": "mlflow-skinny",
    "openstef_core": "openstef-core",
    "openstef_models": "openstef-models",
    "sklearn": "scikit-learn",
    "xgboost": "xgboost-cpu",
}
"""Of modules with another name."""


def test_the_plug_in_for_openstef_requires_what_it_imports() -> None:
    """Not only by way of OpenSTEF, whose next version may import others."""
    imported = {
        name.partition(".")[0]
        for path in (CHECKOUT / "openstef_plugin" / "bluegrid_openstef").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in _modules_of(node)
    }
    required = {re.split(r"[\[=<>~! ;]", each)[0] for each in requirements("bluegrid-openstef")}
    found = {_DISTRIBUTIONS.get(name, name) for name in imported - sys.stdlib_module_names}
    assert {"mlflow-skinny", "pandas", "pvlib"} < found
    assert {name.replace("_", "-") for name in found} - required == set()


def _modules_of(node: ast.AST) -> list[str]:
    """Return the modules that a statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module is not None else []
