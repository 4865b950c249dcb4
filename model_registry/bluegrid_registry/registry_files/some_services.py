"""Reads the files of some services, without parsing hundreds of others."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from bluegrid_registry.registry_files.file_source import read_file
from bluegrid_registry.registry_files.registry import Registry, checked, parse, read_folder

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


def load_services(folder: Path, names: Collection[str]) -> Registry:
    """Return the part of a registry that has some services.

    Other files are read and not parsed, so their mistakes are not found. A service that this does not find by
    its name in the text, such as one that does not exist, is looked for in all files.

    Args:
        folder: the folder of registry files.
        names: of the services.

    Raises:
        ConfigError: there is no such folder, or a file cannot be read.
        RegistryError: a parsed file has mistakes; the message has one line for each.
    """
    texts = read_folder(folder)
    named = _pattern(names)
    # Not `parse`, which would forget the whole registry that it remembers.
    found = checked({path: read_file(text) for path, text in texts.items() if named.search(f"{text}\n")})
    if {*names} <= {file.service.name for file in found.files if file.service}:
        return replace(found, is_whole=False)
    return parse(texts)


def _pattern(names: Collection[str]) -> re.Pattern[str]:
    """Return what the text of a file with one of these services has; those of other files may have it too."""
    words = "|".join(map(re.escape, sorted(names)))
    return re.compile(rf"""name["']?\s*:\s*["']?(?:{words})["']?\s*[,}}#\n\r]""")
