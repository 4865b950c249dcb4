"""Words that the API speaks: states of jobs, and what the audit log records."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic_core import CoreSchema

NAMES = "x-enum-varnames"
"""The extension of OpenAPI in which generators of clients look for the names of an enumeration's values."""


class Vocabulary(StrEnum):
    """A set of words, listed in the OpenAPI document with their names: the page uses those, not the words."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Return the schema of the values, with their names."""
        schema = handler(core_schema)
        handler.resolve_ref_schema(schema)[NAMES] = [each.name for each in cls]
        return schema
