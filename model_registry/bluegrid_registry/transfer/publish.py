"""The end of a push: the commit, by which a version exists, or the one that was there before.

Of two pushes of one version, one wins; the other fails, unless it has the same models.
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
    """Return an earlier commit of the same models; None: there is none, or what it refers to is damaged.

    Raises:
        VersionConflict: the version exists with other models.
    """
    commit, theirs = published.commit, published.manifest
    if commit is None or theirs is None:
        return None
    if commit.manifest != digest:
        _refuse_other_models(ours, theirs, f"exists with other models {_since(commit)}")
    return commit


def commit_once(store: Store, manifest: Manifest, digest: str) -> tuple[Commit, bool]:
    """Publish; return the version's commit and whether another push had published the same models before.

    The store's answer to the write is not trusted: the commit that it holds afterwards decides.
    """
    commit = Commit.new(manifest.set, manifest.version, digest)
    is_taken, damage = False, None
    try:
        store.put_once(version_key(manifest.set, manifest.version), commit.to_bytes())
    except ObjectExists:
        is_taken = True
    except IntegrityError as error:
        # The store holds other bytes than were sent: perhaps the commit of another push.
        damage = error
    try:
        there = read_commit(store, manifest.set, manifest.version)
    except BluegridError:
        if damage is not None:
            raise damage from None
        raise
    # The answer to a successful write may be lost; the retry then finds the key taken, by this push.
    if there.txid == commit.txid:
        return commit, False
    if there.manifest != digest:
        theirs = read_manifest(store, manifest.set, manifest.version, there.manifest)
        what = f"exists with other models {_since(there)}"
        if not is_taken:
            what = f"another push has published other models {_since(there)}, and the store took both commits"
        _refuse_other_models(manifest, theirs, what)
    return there, True


def _since(commit: Commit) -> str:
    return f"since {commit.time:%Y-%m-%d %H:%M}Z by {commit.author}"


def _refuse_other_models(ours: Manifest, theirs: Manifest, what: str) -> None:
    # The same models may be packed differently: from another base, or by another release of zstd.
    if _models(ours) != _models(theirs):
        version = f"set {ours.set} version {ours.version}"
        raise VersionConflict(f"{version}: {what}; push under a new version ID")


def _models(manifest: Manifest) -> list[tuple[object, ...]]:
    return [(manifest.type, row.uid, row.sha256, row.example) for row in manifest.models]
