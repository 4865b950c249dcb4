"""A registry file as plain data: its versions by their usual form, all else by YAML."""

from __future__ import annotations

from bluegrid_registry.registry_files.version_rows import version_table
from bluegrid_registry.registry_files.yaml_nodes import is_text
from bluegrid_registry.registry_files.yaml_source import YamlSource, read_yaml

_ROW = "rows-of-versions"
"""Stands for the rows where the rest of a file is read."""


def read_file(text: str) -> YamlSource:
    """Read a registry file; otherwise as `read_yaml`.

    If all rows of `versions:` have the usual form, they are `VersionRows` in the data, and YAML reads a text
    with one row in their place. Whatever is unusual or wrong in a file, `read_yaml` reads all of it.
    """
    table = version_table(text, is_text)
    if table is None or _ROW in text:
        return read_yaml(text)
    rest = read_yaml(f"{text[: table.start]}versions:\n{table.indent}- {_ROW}\n{text[table.end :]}")
    if rest.mistakes or not isinstance(rest.data, dict) or rest.data.get("versions") != [_ROW]:
        return read_yaml(text)
    return YamlSource(text, {**rest.data, "versions": table.rows})
