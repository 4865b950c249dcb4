"""The end of a push: writes the commit, or finds an earlier commit of the same models.

Of two concurrent pushes of one version, one wins; the other fails unless it has the same models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_registry.errors import BluegridError, IntegrityError, ObjectExists, VersionConflict
from bluegrid_registry.formats.commit import Commit
from bluegrid_registry.formats.layout import version_key
from bluegrid_registry.stores.versions import read_commit, read_manifest

if TYPE_CHECKING:
    from bluegrid_registry.formats.manifest import Manifest
    from bluegrid_registry.stores import Store
    from bluegrid_registry.transfer.already_stored import Published


def published_before(ours: Manifest, digest: str, published: Published) -> Commit | None:
    """Return an earlier commit of the same models; None: there is none, or its manifest is damaged.

    Raises:
        VersionConflict: the version exists with other models.
    """
    commit, theirs = published.commit, published.manifest
    if commit is None or theirs is None:
        return None
    if commit.manifest != digest:
        _refuse_other_models(ours, theirs, f"exists with other models {_since(commit)}")
    return commit


def commit_once(store: Store, manifest: Manifest, digest: str, *, single_winner: bool) -> tuple[Commit, bool]:
    """Write the commit; return the version's commit, and whether an earlier push published the same models.

    Args:
        store: the store.
        manifest: the version's manifest.
        digest: its digest.
        single_winner: of the store's capabilities. If so, a response to the write proves that the store has
            these very bytes, and took no other writer's; if not, the commit is read back.
    """
    commit = Commit.new(manifest.set, manifest.version, digest)
    is_taken, damage = False, None
    try:
        store.put_once(version_key(manifest.set, manifest.version), commit.to_bytes())
    except ObjectExists:
        is_taken = True
    except IntegrityError as error:
        # The store holds other bytes than were sent, perhaps the commit of another push.
        damage = error
    else:
        if single_winner:
            return commit, False
    try:
        stored = read_commit(store, manifest.set, manifest.version)
    except BluegridError:
        if damage is not None:
            raise damage from None
        raise
    # The response to a successful write may be lost; the retry then finds this push's own commit.
    if stored.txid == commit.txid:
        return commit, False
    if stored.manifest != digest:
        theirs = read_manifest(store, manifest.set, manifest.version, stored.manifest)
        fault = f"exists with other models {_since(stored)}"
        if not is_taken:
            other = f"another push has published other models {_since(stored)}"
            fault = f"{other}, and the store took both commits"
        _refuse_other_models(manifest, theirs, fault)
    return stored, True


def _since(commit: Commit) -> str:
    return f"since {commit.time:%Y-%m-%d %H:%M}Z by {commit.author}"


def _refuse_other_models(ours: Manifest, theirs: Manifest, fault: str) -> None:
    # The same models may be packed differently: from another base, or by another release of zstd.
    version = f"set {ours.set} version {ours.version}"
    if _models(ours) != _models(theirs):
        raise VersionConflict(f"{version}: {fault}; push under a new version ID")
    if [row.lineage for row in ours.models] != [row.lineage for row in theirs.models]:
        other = fault.replace("other models", "another lineage of the same models")
        raise VersionConflict(f"{version}: {other}; push under a new version ID")


def _models(manifest: Manifest) -> list[tuple[object, ...]]:
    return [(manifest.type, row.uid, row.sha256, row.examples_sha256) for row in manifest.models]
