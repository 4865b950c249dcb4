"""The keys of objects in a store, below the store's own prefix.

    sets/<set>/packs/<aa>/<name>.mpk            many models' bytes; immutable, shared by versions
    sets/<set>/manifests/<sha256>.json.zst      one version's table of models; immutable
    sets/<set>/manifests/<sha256>.<key>.sig.json    a key's signature over the manifest
    sets/<set>/versions/<version>.json          the version's commit; written once
    sets/<set>/removed/<version>.json           the version's tombstone: when it was removed
    sets/<set>/deleted/packs|manifests/...      copies of objects while garbage collection deletes them
    probe                                       the object that probes the server; written once
    probes/<random>/probe                       further probe objects, deleted after the probe if possible

A manifest is named by the SHA-256 of its bytes, a pack by `pack.pack_name`. Reading needs no listing: the
registry names the version and the manifest, and the manifest names the packs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PROBE_KEY = "probe"
"""Key of the object that probes a server; it is never deleted."""

PROBES_PREFIX = "probes/"
"""Prefix of the keys of further probe objects."""


def packs_prefix(set_id: str) -> str:
    """Prefix of the keys of a set's packs."""
    return f"sets/{set_id}/packs/"


def pack_key(set_id: str, name: str) -> str:
    """Key of the pack with this name (64 hex digits)."""
    return f"{packs_prefix(set_id)}{name[:2]}/{name}.mpk"


def manifest_key(set_id: str, digest: str) -> str:
    """Key of the manifest with this digest (`sha256:<hex>`)."""
    return f"sets/{set_id}/manifests/{digest.removeprefix('sha256:')}.json.zst"


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


def signed_manifest(key: str) -> str:
    """Return the key of the manifest that a signature is for; other keys are returned unchanged."""
    name = key.removesuffix(".sig.json")
    return key if name == key else f"{name.rpartition('.')[0]}.json.zst"
