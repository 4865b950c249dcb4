"""The package's public names are exactly the declared ones."""

from __future__ import annotations

import re
from types import ModuleType

import bluegrid_registry
from bluegrid_registry import BluegridError, errors
from bluegrid_registry.registry_files.json_schema import json_schema
from tests.support.checkout import CHECKOUT

SCHEMA = CHECKOUT / "docs" / "reference" / "registry.schema.json"


def test_the_public_names_are_exact() -> None:
    names = {
        name
        for name, value in vars(bluegrid_registry).items()
        if not name.startswith("_") and not isinstance(value, ModuleType) and name != "annotations"
    }
    assert list(bluegrid_registry.__all__) == sorted(names)


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
