"""Messages for the mistakes that pydantic finds in a registry file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_registry.registry_files.schema_keys import file_schema

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from bluegrid_registry.registry_files.yaml_source import Path, YamlSource

_TIME = "write 2026-11-22T08:00:00Z"
_SENTENCES = {
    "greater_than_equal": "{given!r} is below {ge}",
    "less_than_equal": "{given!r} is above {le}",
    "enum": "{given!r} is not one of {expected}",
    "string_too_short": "is empty",
    "too_short": "is empty; leave it out, or say what is in it",
    "timezone_aware": f"{{given}} has no time zone; {_TIME}",
    **dict.fromkeys(("int_type", "int_parsing"), "{given!r} is not a whole number"),
    **dict.fromkeys(
        ("model_type", "dict_type", "mapping_type", "model_attributes_type"),
        "is not a mapping; write key: value",
    ),
    **dict.fromkeys(("tuple_type", "list_type"), "is not a list"),
    **dict.fromkeys(
        ("datetime_parsing", "datetime_from_date_parsing", "datetime_type"),
        f"{{given!r}} is not a time; {_TIME}",
    ),
}


def note_errors(source: YamlSource, error: ValidationError) -> None:
    """Note each of pydantic's errors at its place in the file."""
    for detail in error.errors():
        path = _place(detail, source)
        source.note(path, _sentence(detail, path))


def _place(detail: ErrorDetails, source: YamlSource) -> Path:
    # pydantic's location also names the branch of a union, which is not a key of the file.
    path: Path = ()
    for part in detail["loc"]:
        if (*path, part) in source.nodes:
            path = (*path, part)
    return (*path, detail["loc"][-1]) if detail["type"] == "missing" else path


def _sentence(detail: ErrorDetails, path: Path) -> str:
    given = detail["input"]
    match detail["type"]:
        case "extra_forbidden":
            around = file_schema().at(*(part for part in path[:-1] if isinstance(part, str)))
            return f"unknown key; known: {', '.join(around.keys if around else ())}"
        case "missing":
            return f"is missing; write `{path[-1]}: []`" if path == ("versions",) else "is missing; add it"
        case "string_type":
            return (
                f"{given!r} is not text; put it in quotes"
                if isinstance(given, int | float)
                else "is not text"
            )
        case kind if kind in _SENTENCES:
            return _SENTENCES[kind].format(given=given, **detail.get("ctx", {}))
        case _:
            return detail["msg"].removeprefix("Value error, ")
