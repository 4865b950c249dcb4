"""The base class of pydantic models for external data: YAML, the store, HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from pydantic import ValidationError


class Frozen(BaseModel):
    """An immutable model that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def first_mistake(error: ValidationError) -> str:
    """Return place and text of the first mistake, such as `models.0.length: Field required`."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "whole"
    return f"{place}: {first['msg'].removeprefix('Value error, ')}"
