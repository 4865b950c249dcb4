"""Verify: reads every byte of versions again, and replaces damaged objects from a good source.

A fetch verifies only the models that it fetches; this also verifies objects that were not fetched for long.
"""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from bluegrid_registry.errors import FormatError, IntegrityError, ObjectMissing
from bluegrid_registry.formats import layout
from bluegrid_registry.formats.checksums import Checksum, retry_once
from bluegrid_registry.formats.commit import Commit
from bluegrid_registry.formats.manifest import TYPICAL_MANIFEST_BYTES, Manifest, examples_frames
from bluegrid_registry.formats.pack import ModelReader, PackEntry, pack_name, read_dictionary, read_index
from bluegrid_registry.signing.signatures import check_signature, signature_key
from bluegrid_registry.transfer.early_packs import early_packs
from bluegrid_registry.transfer.parallel import Job, in_parallel
from bluegrid_registry.transfer.progress import ProgressEvent, ignore

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from bluegrid_registry.formats.manifest import Frame, PackRow
    from bluegrid_registry.registry_files.version_rows import Version
    from bluegrid_registry.signing.keys import PublicKey
    from bluegrid_registry.stores import Store
    from bluegrid_registry.stores.base import StoredObject
    from bluegrid_registry.transfer.progress import Progress

T = TypeVar("T")


@dataclass(frozen=True)
class Signatures:
    """The IDs of the trusted keys, by the state of their signatures of a version."""

    good: tuple[str, ...]
    """Keys whose signatures are sound, or were replaced by sound ones from the good source."""
    wrong: tuple[str, ...]
    """Keys whose signatures are damaged, forged or of another version, as in `VerifyReport.damaged`."""
    missing: tuple[str, ...]
    """Keys that have not signed; harmless if another key has."""


@dataclass(frozen=True)
class VerifyReport:
    """The result of a verification; objects by their keys."""

    set: str
    versions: int
    models: int
    """Stored models that were checked; a model that devices share counts once."""
    bytes: int
    damaged: Mapping[str, str]
    """Descriptions of faults, by object; missing objects are not among them."""
    missing: tuple[str, ...]
    healed: tuple[str, ...]
    """Damaged or missing objects that were replaced from the good source."""
    extra: tuple[str, ...]
    """Objects of the set that none of the versions refers to: garbage, or objects of other versions."""
    signatures: Mapping[str, Signatures]
    """By version; empty if no keys were given."""

    @property
    def unsigned(self) -> tuple[str, ...]:
        """Versions without a good signature, if keys were given."""
        return tuple(version for version, found in self.signatures.items() if not found.good)

    @property
    def is_sound(self) -> bool:
        """Whether no object is damaged or missing after healing, and no required signature is missing."""
        return not ({*self.damaged, *self.missing} - {*self.healed} or self.unsigned)


def verify(
    store: Store,
    set_id: str,
    versions: Sequence[Version],
    *,
    keys: Sequence[PublicKey] = (),
    source: Store | None = None,
    progress: Progress = ignore,
) -> VerifyReport:
    """Read all bytes of versions of a set again, each pack once, and their signatures.

    Args:
        store: the store to verify.
        set_id: the model set.
        versions: the versions, with the digests that the registry pins.
        keys: trusted keys; if given, one of them must have signed each version.
        source: a good store from which to replace damaged or missing objects; None: nothing is written.
        progress: is called after each pack.

    Raises:
        StoreError: a store refused or did not answer. Damaged and missing objects are reported, not raised.
    """
    return _Verification(store, source, set_id, keys).run(versions, progress)


@dataclass
class _Verification:
    store: Store
    source: Store | None
    set_id: str
    keys: Sequence[PublicKey]
    damaged: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    healed: list[str] = field(default_factory=list)

    def run(self, versions: Sequence[Version], progress: Progress) -> VerifyReport:
        with ThreadPoolExecutor(1) as pool:
            # The listing runs beside the reads, which do not depend on it.
            listed = pool.submit(lambda: [*self.store.keys(layout.set_prefix(self.set_id))])
            return self._run(versions, listed, progress)

    def _run(
        self, versions: Sequence[Version], listed: Future[list[StoredObject]], progress: Progress
    ) -> VerifyReport:
        known: set[str] = set()
        packs: dict[str, PackRow] = {}
        contents: dict[str, _Contents] = defaultdict(_Contents)
        early: dict[str, PackRow] = {}
        digests = {version.id: version.manifest for version in versions}
        for version in versions:
            known |= {
                layout.version_key(self.set_id, version.id),
                layout.manifest_key(self.set_id, version.manifest),
            }
        reads = (partial(read, version) for version in versions for read in (self._commit, self._manifest))
        for manifest in in_parallel(Job(read, TYPICAL_MANIFEST_BYTES) for read in reads):
            if manifest is None:
                continue
            packs |= {pack.name: pack for pack in manifest.packs}
            for place, pack in early_packs(manifest).items():
                early[layout.early_pack_key(self.set_id, digests[manifest.version], place)] = pack
            for row in manifest.models:
                contents[row.pack].models[_entry(row)] = row.uid
            for frame in examples_frames(manifest.models):
                contents[frame.pack].examples[_entry(frame)] = frame.uid
        total = sum(len(found.models) for found in contents.values())
        models, size = 0, 0
        # Memory of a job: the pack, and its largest model at the same time.
        jobs = (Job(partial(self._pack, packs[name], contents[name]), 2 * packs[name].size) for name in packs)
        for count, read in in_parallel(jobs):
            models, size = models + count, size + read
            progress(ProgressEvent(models=models, models_total=total, bytes=size))
        known |= {layout.pack_key(self.set_id, name) for name in packs}
        copies = [found.key for found in listed.result() if found.key in early]
        for read in in_parallel(Job(partial(self._copy, key, early[key]), early[key].size) for key in copies):
            size += read
        signatures = self._signatures(versions)
        return VerifyReport(
            set=self.set_id,
            versions=len(versions),
            models=models,
            bytes=size,
            damaged=dict(sorted(self.damaged.items())),
            missing=tuple(sorted(self.missing)),
            healed=tuple(sorted(self.healed)),
            extra=tuple(sorted(_extra(listed.result(), known))),
            signatures=signatures,
        )

    def _commit(self, version: Version) -> None:
        def check(data: bytes) -> None:
            found = Commit.from_bytes(data)
            if (found.set, found.version, found.manifest) != (self.set_id, version.id, version.manifest):
                raise IntegrityError(f"is of another version, or of manifest {found.manifest[:15]}")

        self._read(layout.version_key(self.set_id, version.id), self._place(version), check)

    def _manifest(self, version: Version) -> Manifest | None:
        def check(data: bytes) -> Manifest:
            found = Manifest.from_bytes(data, version.manifest)
            if (found.set, found.version) != (self.set_id, version.id):
                raise IntegrityError(f"is of set {found.set} version {found.version}")
            return found

        return self._read(layout.manifest_key(self.set_id, version.manifest), self._place(version), check)

    def _place(self, version: Version) -> str:
        return f"set {self.set_id} version {version.id}"

    def _signatures(self, versions: Sequence[Version]) -> dict[str, Signatures]:
        if not self.keys:
            return {}
        jobs = [Job(partial(self._signature, version, key), 1) for version in versions for key in self.keys]
        states = {(version, key): state for version, key, state in in_parallel(jobs)}

        def of(version: str, state: str) -> tuple[str, ...]:
            return tuple(key.id for key in self.keys if states[version, key.id] == state)

        return {
            each.id: Signatures(of(each.id, "good"), of(each.id, "wrong"), of(each.id, "missing"))
            for each in versions
        }

    def _signature(self, version: Version, key: PublicKey) -> tuple[str, str, str]:
        """Return the version, the key and the state of its signature: good, wrong or missing."""

        def check(data: bytes) -> bool:
            check_signature(data, self.set_id, version.id, version.manifest, key)
            return True

        name = signature_key(self.set_id, version.manifest, key)
        place = f"{self._place(version)}: signature by {key.id}"
        # Another key may have signed instead.
        if self._read(name, place, check, may_be_missing=True):
            return version.id, key.id, "good"
        return version.id, key.id, "wrong" if name in self.damaged else "missing"

    def _pack(self, pack: PackRow, contents: _Contents) -> tuple[int, int]:
        def check(data: bytes) -> int:
            _check_pack(data, pack, contents)
            return len(data)

        read = self._read(layout.pack_key(self.set_id, pack.name), f"pack {pack.name[:8]}", check)
        return len(contents.models), read or 0

    def _copy(self, key: str, pack: PackRow) -> int:
        def check(data: bytes) -> int:
            if pack_name(data, Checksum.of(data)) != pack.name:
                raise IntegrityError("differs from the pack; fetches read the pack")
            return len(data)

        original = layout.pack_key(self.set_id, pack.name)
        return self._read(key, f"copy of pack {pack.name[:8]}", check, good=original) or 0

    def _read(
        self,
        key: str,
        place: str,
        check: Callable[[bytes], T],
        *,
        may_be_missing: bool = False,
        good: str | None = None,
    ) -> T | None:
        """Return the result of `check` for the object; if it is damaged or missing, note that and heal it.

        Args:
            key: the object's key.
            place: what the object is, for messages.
            check: raises IntegrityError or FormatError if the bytes are damaged.
            may_be_missing: whether a missing object is not reported.
            good: key of the same bytes in the good source; None: `key`.
        """
        try:
            return retry_once(lambda: check(self.store.get(key)))
        except ObjectMissing:
            self.missing.extend([] if may_be_missing else [key])
        except (IntegrityError, FormatError) as error:
            self.damaged[key] = f"{place}: {error}"
        return self._heal(self.source, good or key, key, check) if self.source else None

    def _heal(self, source: Store, good: str, key: str, check: Callable[[bytes], T]) -> T | None:
        try:
            data = source.get(good)
            checked = check(data)
        except (ObjectMissing, IntegrityError, FormatError):
            # The source does not have a good object either: the report lists the object as not healed.
            return None
        retry_once(lambda: self.store.put(key, data, Checksum.of(data)))
        self.healed.append(key)
        return checked


def _extra(listed: Sequence[StoredObject], known: set[str]) -> Iterator[str]:
    for found in listed:
        if layout.owner_of(found.key) not in known and not layout.is_collections_own(found.key):
            yield found.key


@dataclass
class _Contents:
    """What the versions have in a pack: UIDs by entry; of devices that share a model, the last."""

    models: dict[PackEntry, str] = field(default_factory=dict)
    examples: dict[PackEntry, str] = field(default_factory=dict)

    def kinds(self) -> Iterator[tuple[str, Mapping[PackEntry, str]]]:
        """Yield the entries of each kind that is in the pack, with its word for messages."""
        if self.models:
            yield "models", self.models
        if self.examples:
            yield "recorded examples", self.examples


def _entry(frame: Frame) -> PackEntry:
    return PackEntry(frame.offset, frame.length, frame.raw_length, frame.sha256)


def _check_pack(data: bytes, pack: PackRow, contents: _Contents) -> None:
    is_whole = pack_name(data, Checksum.of(data)) == pack.name
    try:
        reader = ModelReader(read_dictionary(data))
        listed = set(read_index(data))
    except (FormatError, IntegrityError):
        if is_whole:
            raise
        lost = " and ".join(f"{len(uids)} {what}" for what, uids in contents.kinds())
        raise IntegrityError(f"is damaged, and with it all of {lost}") from None
    for what, uids in contents.kinds():
        if wrong := _wrong(memoryview(data), reader, listed, uids):
            raise IntegrityError(f"{len(wrong)} of {len(uids)} {what} are damaged, such as {min(wrong)}")
    if not is_whole:
        raise IntegrityError("is damaged outside of these versions' models")


def _wrong(
    view: memoryview, reader: ModelReader, listed: Collection[PackEntry], uids: Mapping[PackEntry, str]
) -> list[str]:
    """Return the UIDs of entries that are damaged, or that the pack's index does not list."""
    wrong = []
    for entry, uid in uids.items():
        try:
            reader.read(view[entry.offset : entry.offset + entry.length], entry.raw_length, entry.sha256)
        except IntegrityError:
            wrong.append(uid)
        else:
            wrong.extend([] if entry in listed else [uid])
    return wrong
