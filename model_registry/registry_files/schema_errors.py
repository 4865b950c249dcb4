"""What pydantic found wrong with a value, in the words of a registry file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_registry.registry_files.schema import (
    Cluster,
    DeclaredSet,
    RegistryFile,
    Service,
    TrustedKey,
    Version,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

    from model_registry.registry_files.yaml_source import Path

_MODEL_AT: Mapping[tuple[str, ...], type[BaseModel]] = {
    (): RegistryFile,
    ("set",): DeclaredSet,
    ("set", "keys"): TrustedKey,
    ("versions",): Version,
    ("service",): Service,
    ("service", "clusters"): Cluster,
}


def told(detail: ErrorDetails, data: Any) -> tuple[Path, str]:
    """Return the place in `data` and the sentence of one of pydantic's errors about it."""
    path = _place(detail, data)
    return path, _sentence(detail, path)


def _place(detail: ErrorDetails, data: Any) -> Path:
    # pydantic also names the branch of a union that it took; the file knows nothing of that.
    path: Path = ()
    for part in detail["loc"]:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            continue
        path = (*path, part)
    return (*path, detail["loc"][-1]) if detail["type"] == "missing" else path


def _sentence(detail: ErrorDetails, path: Path) -> str:
    given = detail["input"]
    match detail["type"]:
        case "extra_forbidden":
            return f"unknown key; known: {', '.join(_keys_beside(path))}"
        case "missing":
            return f"is missing; write `{path[-1]}: []`" if path == ("versions",) else "is missing; add it"
        case "string_type":
            return f"{given!r} is not text; put it in quotes" if _is_scalar(given) else "is not text"
        case "int_type" | "int_parsing":
            return f"{given!r} is not a whole number"
        case "greater_than_equal":
            return f"{given!r} is below {detail['ctx']['ge']}"
        case "model_type" | "dict_type" | "mapping_type" | "model_attributes_type":
            return "is not a mapping; write key: value"
        case "tuple_type" | "list_type":
            return "is not a list"
        case "enum":
            return f"{given!r} is not one of {detail['ctx']['expected']}"
        case "string_too_short":
            return "is empty"
        case "timezone_aware":
            return f"{given} has no time zone; write 2026-11-22T08:00:00Z"
        case "datetime_parsing" | "datetime_from_date_parsing" | "datetime_type":
            return f"{given!r} is not a time; write 2026-11-22T08:00:00Z"
        case _:
            return detail["msg"].removeprefix("Value error, ")


def _keys_beside(path: Path) -> list[str]:
    around = tuple(part for part in path[:-1] if isinstance(part, str))
    return list(_MODEL_AT[around].model_fields)


def _is_scalar(value: object) -> bool:
    return isinstance(value, int | float)
