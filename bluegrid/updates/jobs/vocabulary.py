"""Enumerations of the API: states of jobs, and actions in the audit log."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic_core import CoreSchema

NAMES = "x-enum-varnames"
"""The OpenAPI extension from which client generators read the names of an enumeration's values."""


class Vocabulary(StrEnum):
    """An enumeration whose names are in the OpenAPI document too: the page uses the names, not the values."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Return the schema of the values, with their names."""
        schema = handler(core_schema)
        handler.resolve_ref_schema(schema)[NAMES] = [each.name for each in cls]
        return schema
