"""Compares the two versions of a switch: which models change, and which key signed the new version."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bluegrid_registry import BluegridError, compare_versions, verify_signature
from bluegrid_registry.counts import counted

if TYPE_CHECKING:
    from bluegrid.states import ServiceChange
    from bluegrid_registry import Registry, RegistryFile, Store


@dataclass(frozen=True)
class Comparison:
    """A switch's new version beside the one that is live.

    Attributes:
        models: such as `37 models changed, 2 added, 0 removed`; or why that is not known.
        signature: such as `signed by ops-2026`; or what is wrong with it.
        is_trusted: whether a key that the set names has signed the new version; None: the set names no
            keys, or no store was named.
        breaking: changes of the models' inputs and outputs by which clients break, as far as known.
    """

    models: str
    signature: str
    is_trusted: bool | None
    breaking: tuple[str, ...] = ()


def compare(change: ServiceChange, registry: Registry, store: Store | None) -> Comparison | None:
    """Compare the versions of a switch, or of a cluster that gets its first share; None without either.

    Args:
        change: the service before and after.
        registry: names the versions, and the keys of the set.
        store: holds the versions; None: they are not compared.
    """
    if change.compared is None:
        return None
    old, new = change.compared
    if store is None:
        return Comparison("models not compared: no store was named", "signature not checked", None)
    file = registry.of_set(change.set)
    breaking: tuple[str, ...] = ()
    try:
        versions = file.version(old.version), file.version(new.version)
        found = compare_versions(store, file.set.id, *versions, with_answers=False)
        changed = counted(len(found.changed), "model")
        models = f"{changed} changed, {len(found.added)} added, {len(found.removed)} removed"
        breaking = found.breaking
    except BluegridError as error:
        models = f"models not compared: {error}"
    return replace(_with_signature(models, file, new.version, store), breaking=breaking)


def _with_signature(models: str, file: RegistryFile, version_id: str, store: Store) -> Comparison:
    if not file.set.public_keys:
        return Comparison(models, "unsigned: the set names no keys", None)
    version = file.version(version_id)
    try:
        key = verify_signature(store, file.set.id, version.id, version.manifest, file.set.public_keys)
    except BluegridError as error:
        return Comparison(models, str(error), is_trusted=False)
    return Comparison(models, f"signed by {key}", is_trusted=True)
