"""Reads a version's commit and manifest, with errors that name the version and the remedy."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from bluegrid_registry.errors import FormatError, IntegrityError, ObjectMissing
from bluegrid_registry.formats.checksums import retry_once
from bluegrid_registry.formats.commit import Commit
from bluegrid_registry.formats.layout import manifest_key, version_key
from bluegrid_registry.formats.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bluegrid_registry.stores import Store


def read_commit(store: Store, set_id: str, version_id: str) -> Commit:
    """Return the version's commit.

    Raises:
        ObjectMissing: the version is not published.
        IntegrityError: the commit is damaged, also when it is read again.
    """
    key = version_key(set_id, version_id)
    try:
        commit = retry_once(lambda: Commit.from_bytes(store.get(key)))
    except ObjectMissing:
        raise ObjectMissing(f"set {set_id} version {version_id}: is not in {store.url}; push it") from None
    except IntegrityError as error:
        raise IntegrityError(
            f"set {set_id} version {version_id}: {error}; delete {key} and push again"
        ) from None
    if (commit.set, commit.version) != (set_id, version_id):
        whose = f"set {commit.set} version {commit.version}"
        raise IntegrityError(
            f"set {set_id} version {version_id}: {key} is of {whose}; delete it and push again"
        )
    return commit


def check_pinned(commit: Commit, digest: str) -> None:
    """Raise IntegrityError unless the commit names the manifest that the registry pins."""
    if commit.manifest != digest:
        differs = f"published as manifest {commit.manifest[:15]}, pinned as {digest[:15]}"
        raise IntegrityError(
            f"set {commit.set} version {commit.version}: {differs}; correct the digest in the registry"
        )


def read_manifest(store: Store, set_id: str, version_id: str, digest: str) -> Manifest:
    """Return the manifest with this digest, which must be that of the version.

    Raises:
        ObjectMissing: the store has no such manifest.
        IntegrityError: the manifest is damaged, also when read once more, or is another version's.
        FormatError: its bytes are as pinned, but are not a sound manifest.
        ConfigError: a later release has written it, in a format that this one does not know.
    """
    with error_context(set_id, version_id):
        manifest = retry_once(lambda: Manifest.from_bytes(store.get(manifest_key(set_id, digest)), digest))
    if (manifest.set, manifest.version) != (set_id, version_id):
        whose = f"set {manifest.set} version {manifest.version}"
        pinned = f"the registry pins manifest {digest[:15]}, which is of {whose}"
        raise IntegrityError(
            f"set {set_id} version {version_id}: {pinned}; correct the digest in the registry"
        )
    return manifest


@contextmanager
def error_context(set_id: str, version_id: str) -> Iterator[None]:
    """Add the version and the remedy to errors."""
    try:
        yield
    except (IntegrityError, ObjectMissing, FormatError) as error:
        # A push replaces the packs that it makes; a push of its base replaces the packs of the base.
        remedy = "push it again, or the base that it came from: that replaces what is damaged or missing"
        raise type(error)(f"set {set_id} version {version_id}: {error}; {remedy}") from None
