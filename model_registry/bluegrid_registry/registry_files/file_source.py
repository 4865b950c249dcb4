"""A registry file as plain data: its versions by their usual form, all else by YAML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_registry.registry_files.version_rows import NOT_READ, version_table
from bluegrid_registry.registry_files.yaml_nodes import is_text
from bluegrid_registry.registry_files.yaml_source import YamlSource, read_yaml, span_of

if TYPE_CHECKING:
    from bluegrid_registry.registry_files.version_rows import VersionRows

_ROW = "rows-of-versions"
"""Stands for the rows where the rest of a file is read."""


def read_file(text: str) -> YamlSource:
    """Read a registry file; otherwise as `read_yaml`.

    If all rows of `versions:` have the usual form, they are `VersionRows` in the data, and YAML reads a text
    with one row in their place. Whatever is unusual or wrong in a file, `read_yaml` reads all of it.
    """
    if table := version_table(text, is_text):
        source = _with_rows(text, text[: table.start], table.indent, text[table.end :], table.rows)
        if source is not None:
            return source
    return read_yaml(text)


def outline_of(text: str) -> YamlSource:
    """Read a registry file without its versions, which are `NOT_READ` in the data; otherwise as `read_file`.

    If `versions:` cannot be left out, they are read.
    """
    start, end = span_of(text, "versions")
    before, after = text[:start], text[end:]
    source = _with_rows(text, before, "  ", after, NOT_READ) if before or after else None
    return source or read_file(text)


def _with_rows(text: str, before: str, indent: str, after: str, rows: VersionRows) -> YamlSource | None:
    """Return a file with these rows in place of its text between two others; None: there is a mistake.

    A list of one item is read in their place: what may follow one list may follow any other.
    """
    if _ROW in text:
        return None
    rest = read_yaml(f"{before}versions:\n{indent}- {_ROW}\n{after}")
    if rest.mistakes or not isinstance(rest.data, dict) or rest.data.get("versions") != [_ROW]:
        return None
    return YamlSource(text, {**rest.data, "versions": rows})
