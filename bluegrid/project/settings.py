"""The settings that a stack can have, as the `Pulumi.yaml` of this repository declares them.

A project declares settings only under its own name
(https://www.pulumi.com/docs/iac/concepts/projects/project-file/#config-options), so projects of other names
have no declarations of `bluegrid:...`, and the wheel has this repository's.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bluegrid.project.stack_files import PREFIX, config_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_IN_THE_WHEEL = Path(__file__).parent / "settings.yaml"
"""Hatch puts the repository's Pulumi.yaml there."""
_IN_A_CHECKOUT = Path(__file__).parents[2] / "Pulumi.yaml"
_TYPES: Mapping[str, list[str]] = {
    # Pulumi reads a number as the text that it is written as, and the other way round.
    "string": ["string", "number"],
    "integer": ["integer", "string"],
    "object": ["object"],
}
_ENCRYPTED = {"type": "object", "required": ["secure"], "properties": {"secure": {"type": "string"}}}


@cache
def declared_settings() -> Mapping[str, Mapping[str, Any]]:
    """Return each setting's declaration (`type`, `default`, `description`, `secret`), without the prefix."""
    return config_of(_IN_THE_WHEEL if _IN_THE_WHEEL.is_file() else _IN_A_CHECKOUT)


def stack_schema() -> Mapping[str, Any]:
    """Return the JSON schema of a stack's file, `Pulumi.<stack>.yaml`, for editors."""
    settings = {f"{PREFIX}{key}": _schema_of(each) for key, each in declared_settings().items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Pulumi.<stack>.yaml",
        "description": "Where a region of a bluegrid project runs.",
        "type": "object",
        "required": ["config"],
        "properties": {
            "config": {
                "type": "object",
                "properties": settings,
                # Other keys belong to other programs; a misspelt one of ours would have no effect.
                "propertyNames": {"anyOf": [{"enum": [*settings]}, {"not": {"pattern": f"^{PREFIX}"}}]},
            }
        },
    }


def _schema_of(declared: Mapping[str, Any]) -> Mapping[str, Any]:
    text = {"description": declared["description"]}
    if declared.get("secret"):
        return {**text, **_ENCRYPTED}
    default = {"default": declared["default"]} if "default" in declared else {}
    return {**text, "type": _TYPES[declared["type"]], **default}
