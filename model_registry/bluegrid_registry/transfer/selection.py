"""Selects models of a version by UID or pattern."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

from bluegrid_registry.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection

    from bluegrid_registry.formats.manifest import Manifest


def selected(manifest: Manifest, names: Collection[str]) -> set[str]:
    """Return the UIDs that match `names`, each a UID or a pattern such as `line-9*`.

    Raises:
        ConfigError: a name matches no model.
    """
    uids = [row.uid for row in manifest.models]
    known = set(uids)
    found: set[str] = set()
    for name in names:
        # A UID may contain special characters of patterns.
        matched = [name] if name in known else fnmatch.filter(uids, name)
        if not matched:
            where = f"set {manifest.set} version {manifest.version}"
            raise ConfigError(f"{where}: no model is named {name!r}; list the version's models")
        found.update(matched)
    return found
