"""The package's public names are exactly the declared ones."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import bluegrid_registry
from bluegrid_registry import BluegridError, errors
from bluegrid_registry.registry_files.json_schema import json_schema
from tests.support.checkout import CHECKOUT

SCHEMA = CHECKOUT / "docs" / "reference" / "registry.schema.json"


def test_the_public_names_are_exact() -> None:
    source = ast.parse(Path(bluegrid_registry.__file__).read_text())
    (for_checkers,) = (node for node in source.body if isinstance(node, ast.If))
    declared = {
        alias.name: node.module
        for node in for_checkers.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert list(bluegrid_registry.__all__) == sorted(declared)
    at_run_time = {name: f"bluegrid_registry.{module}" for name, module in bluegrid_registry._MODULES.items()}
    assert at_run_time == declared


@pytest.mark.parametrize("name", bluegrid_registry.__all__)
def test_a_public_name_is_found(name: str) -> None:
    assert getattr(bluegrid_registry, name) is not None
    assert name in dir(bluegrid_registry)


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        bluegrid_registry.nothing  # noqa: B018


def test_every_error_is_public_and_drawn_in_the_tree() -> None:
    public = set(bluegrid_registry.__all__)
    drawn = re.findall(r"^ {4}(?:[│ ]*[├└]── )?([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE)
    defined = [name for name, value in vars(errors).items() if isinstance(value, type)]
    assert drawn == defined
    assert set(defined) <= public
    assert all(issubclass(vars(errors)[name], BluegridError) for name in defined)


def test_the_json_schema_in_the_docs_is_up_to_date() -> None:
    remedy = f"python -m bluegrid_registry.registry_files.json_schema > {SCHEMA.name}"
    assert SCHEMA.read_text() == json_schema(), f"write it again: {remedy}"
