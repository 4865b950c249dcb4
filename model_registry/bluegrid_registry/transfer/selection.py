"""Selects models of a version by UID or pattern."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

from bluegrid_registry.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection

    from bluegrid_registry.formats.manifest import Manifest


def uids_matching(uids: Collection[str], name: str) -> list[str]:
    """Return the UIDs that a name matches.

    Args:
        uids: the UIDs, best as a set.
        name: a UID or, if no model has it, a pattern: `line-9*`, `feeder/*`, `line-[12]`. A `*` matches any
            characters, slashes too.
    """
    # A UID may contain special characters of patterns.
    return [name] if name in uids else [uid for uid in uids if fnmatch.fnmatchcase(uid, name)]


def selected(manifest: Manifest, names: Collection[str]) -> set[str]:
    """Return the UIDs that match `names`, each a UID or a pattern; see `uids_matching`.

    Raises:
        ConfigError: a name matches no model.
    """
    uids = {row.uid for row in manifest.models}
    found: set[str] = set()
    for name in names:
        matched = uids_matching(uids, name)
        if not matched:
            where = f"set {manifest.set} version {manifest.version}"
            raise ConfigError(f"{where}: no model is named {name!r}; list the version's models")
        found.update(matched)
    return found
