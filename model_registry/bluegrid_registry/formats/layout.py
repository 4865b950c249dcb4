"""The keys of objects in a store, below the store's own prefix.

    sets/<set>/packs/<aa>/<name>.mpk            many models' bytes; immutable, shared by versions
    sets/<set>/manifests/<sha256>.json.zst      one version's table of models; immutable
    sets/<set>/manifests/<sha256>.<key>.sig.json    a key's signature over the manifest
    sets/<set>/manifests/<sha256>.<place>.mpk   a copy of one of the version's packs; optional
    sets/<set>/versions/<version>.json          the version's commit; written once
    sets/<set>/removed/<version>.json           the version's tombstone: when it was removed
    sets/<set>/deleted/packs|manifests/...      copies of objects while garbage collection deletes them
    probe                                       the object that probes the server; written once
    probes/<random>/probe                       further probe objects, deleted after the probe if possible

A manifest is named by the SHA-256 of its bytes, a pack by `pack.pack_name`. Reading needs no listing: the
registry names the version and the manifest, and the manifest names the packs. The copies are for readers of
small versions, which thereby need not wait for the manifest (`transfer/early_packs.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PROBE_KEY = "probe"
"""Key of the object that probes a server; it is never deleted."""

_MANIFEST_END, _PACK_END = ".json.zst", ".mpk"

PROBES_PREFIX = "probes/"
"""Prefix of the keys of further probe objects."""


def packs_prefix(set_id: str) -> str:
    """Prefix of the keys of a set's packs."""
    return f"sets/{set_id}/packs/"


def pack_key(set_id: str, name: str) -> str:
    """Key of the pack with this name (64 hex digits)."""
    return f"{packs_prefix(set_id)}{name[:2]}/{name}{_PACK_END}"


def manifest_key(set_id: str, digest: str) -> str:
    """Key of the manifest with this digest (`sha256:<hex>`)."""
    return f"sets/{set_id}/manifests/{digest.removeprefix('sha256:')}{_MANIFEST_END}"


def early_pack_key(set_id: str, digest: str, place: str) -> str:
    """Key of the copy of a pack that is read before its name is known; `place` is one of `early_packs`."""
    return f"{manifest_key(set_id, digest).removesuffix(_MANIFEST_END)}.{place}{_PACK_END}"


def version_key(set_id: str, version_id: str) -> str:
    """Key of the version's commit."""
    return f"{versions_prefix(set_id)}{version_id}.json"


def versions_prefix(set_id: str) -> str:
    """Prefix of the keys of the commits of a set's versions."""
    return f"sets/{set_id}/versions/"


def set_prefix(set_id: str) -> str:
    """Prefix of the keys of all objects of a set."""
    return f"sets/{set_id}/"


def tombstones_prefix(set_id: str) -> str:
    """Prefix of the keys of the tombstones of a set's versions."""
    return f"sets/{set_id}/removed/"


def tombstone_key(set_id: str, version_id: str) -> str:
    """Key of the version's tombstone."""
    return f"{tombstones_prefix(set_id)}{version_id}.json"


def versions_of(keys: Iterable[str], prefix: str) -> dict[str, str]:
    """Return the keys of commits, or of tombstones, by version ID.

    Args:
        keys: any keys; keys without the prefix are left out.
        prefix: `versions_prefix`, or `tombstones_prefix`.
    """
    return {key.removeprefix(prefix).removesuffix(".json"): key for key in keys if key.startswith(prefix)}


def copy_key(key: str) -> str:
    """Key of the copy of a pack, manifest or signature while garbage collection deletes the object."""
    _, set_id, rest = key.split("/", 2)
    return f"{copies_prefix(set_id)}{rest}"


def copies_prefix(set_id: str) -> str:
    """Prefix of the keys of such copies."""
    return f"{set_prefix(set_id)}deleted/"


def is_collections_own(key: str) -> bool:
    """Whether the object is a tombstone, or a copy made by garbage collection."""
    return key.split("/")[2] in ("removed", "deleted")


def owner_of(key: str) -> str:
    """Return the key of the manifest that a signature or an early pack is of; other keys are unchanged."""
    folder, _, name = key.rpartition("/")
    if not folder.endswith("/manifests") or name.endswith(_MANIFEST_END):
        return key
    return f"{folder}/{name.partition('.')[0]}{_MANIFEST_END}"
