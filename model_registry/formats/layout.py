"""Where things lie in a store, below the store's own prefix.

    sets/<set>/packs/<aa>/<sha256>.mpk          many models' bytes; immutable, shared by versions
    sets/<set>/manifests/<sha256>.json.zst      one version's table of models; immutable
    sets/<set>/versions/<version>.json          the commit point; written once

Packs and manifests are named by the SHA-256 of their bytes. Nothing is ever listed: the registry names the
version and the manifest, and the manifest names the packs.
"""

from __future__ import annotations


def pack_key(set_id: str, sha256: str) -> str:
    """Key of the pack whose bytes have this SHA-256 (64 hex digits)."""
    return f"sets/{set_id}/packs/{sha256[:2]}/{sha256}.mpk"


def manifest_key(set_id: str, digest: str) -> str:
    """Key of the manifest with this digest (`sha256:<hex>`)."""
    return f"sets/{set_id}/manifests/{digest.removeprefix('sha256:')}.json.zst"


def version_key(set_id: str, version_id: str) -> str:
    """Key of the version's commit."""
    return f"sets/{set_id}/versions/{version_id}.json"
