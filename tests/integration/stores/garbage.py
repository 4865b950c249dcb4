"""Helpers for tests of garbage collection."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bluegrid_registry import (
    Registry,
    Store,
)
from bluegrid_registry.registry_files.model_set_schema import DeclaredSet, RegistryFile
from tests.integration.stores.versions import version

if TYPE_CHECKING:
    from bluegrid_registry import PushReport
    from tests.integration.stores.conftest import Place


def registry(*pushed: PushReport) -> list[Registry]:
    declared = DeclaredSet.model_validate(
        {"id": "g1", "name": "n", "task": "t", "type": "scikit-learn/skops", "source": "platform"}
    )
    return [Registry((RegistryFile(set=declared, versions=tuple(map(version, pushed))),))]


def later(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def keys(store: Store) -> set[str]:
    return {found.key for found in store.keys("sets/")}


def age(place: Place, days: float) -> None:
    """Set the time of every object of the store to `days` ago."""
    then = (datetime.now(UTC) - timedelta(days=days)).timestamp()
    for path in place.folder.rglob("*"):
        if path.is_file():
            os.utime(path, (then, then))
