"""Unpacks models and recorded examples from a version's packs, and verifies each before it is passed on.

A damaged part of a pack is fetched once more, since it may have been damaged in transit. If it is damaged
again, the fetch stops with an error that names the model and the pack. Copies of packs that were requested
early (`early_packs.py`) are used first; if one is missing or damaged, its pack is fetched.
"""

from __future__ import annotations

import functools
import threading
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from bluegrid_registry.errors import FormatError, IntegrityError, StoreError
from bluegrid_registry.formats.checksums import Checksum
from bluegrid_registry.formats.layout import pack_key
from bluegrid_registry.formats.manifest import ExamplesFrame
from bluegrid_registry.formats.pack import HEADER_BYTES, ModelReader, pack_name, read_dictionary
from bluegrid_registry.stores.versions import error_context
from bluegrid_registry.transfer.parallel import Job, in_parallel
from bluegrid_registry.transfer.progress import ProgressEvent
from bluegrid_registry.transfer.ranges import Span, spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bluegrid_registry.formats.manifest import Frame, Manifest, PackRow
    from bluegrid_registry.stores import Store
    from bluegrid_registry.transfer.config import TransferConfig
    from bluegrid_registry.transfer.progress import Progress

Early = Mapping[str, Future[bytes]]
"""Requests for copies of packs, by the pack's name; a result is untrusted, or StoreError."""

_SMALL_MODEL_BYTES = 64 * 2**10
_SMALL_MODELS = threading.Lock()
"""Held to decode and write small models: concurrent threads would mostly wait for the interpreter's lock."""


@dataclass(frozen=True)
class Unpacked:
    """One part of a pack, after all of its models were passed on."""

    rows: tuple[Frame, ...]
    bytes: int
    """Bytes that were transferred."""
    refetched: bool
    """Whether the part was damaged at the first attempt."""


def unpack(
    store: Store,
    manifest: Manifest,
    rows: Sequence[Frame],
    take: Callable[[Frame, bytes], None],
    config: TransferConfig,
    early: Early | None = None,
) -> Iterator[Unpacked]:
    """Fetch models and recorded examples from the store.

    Args:
        store: the store to fetch from.
        manifest: the version's manifest.
        rows: the models and examples to fetch.
        take: is called with each verified model, in several threads; once for rows with the same bytes.
        config: concurrency and memory.
        early: copies of packs that were requested already, by the pack's name; each is used once.

    Raises:
        IntegrityError: bytes are damaged, also when fetched once more.
        ObjectMissing, StoreError: as raised by the store.
    """
    parts = _parts(store, manifest, rows, config, early or {})
    return in_parallel((Job(functools.partial(part.unpack, take), part.memory) for part in parts), config)


def unpack_all(
    store: Store,
    manifest: Manifest,
    rows: Sequence[Frame],
    take: Callable[[Frame, bytes], None],
    progress: Progress,
    config: TransferConfig,
    early: Early | None = None,
) -> tuple[tuple[str, ...], int]:
    """Unpack, and report the progress; return the UIDs that were fetched twice, and the fetched bytes."""
    models, size = 0, 0
    refetched: set[str] = set()
    devices = Counter(row.sha256 for row in rows if not isinstance(row, ExamplesFrame))
    total = devices.total()
    with error_context(manifest.set, manifest.version):
        for part in unpack(store, manifest, rows, take, config, early):
            models += sum(devices[row.sha256] for row in part.rows if not isinstance(row, ExamplesFrame))
            size += part.bytes
            refetched.update(row.uid for row in part.rows if part.refetched)
            progress(ProgressEvent(models=models, models_total=total, bytes=size))
    return tuple(sorted(refetched)), size


def _parts(
    store: Store, manifest: Manifest, rows: Sequence[Frame], config: TransferConfig, early: Early
) -> Iterator[_Part]:
    packs = {pack.name: pack for pack in manifest.packs}
    for name, of_pack in groupby(sorted(rows, key=lambda row: row.pack), key=lambda row: row.pack):
        for span in spans(packs[name], list(of_pack), config):
            yield _Part(store, pack_key(manifest.set, name), packs[name], span, early.get(name))


@dataclass(frozen=True)
class _Part:
    store: Store
    key: str
    pack: PackRow
    span: Span
    early: Future[bytes] | None
    """The request for a copy of the pack."""

    @property
    def memory(self) -> int:
        return self.span.length + max(row.raw_length for row in self.span.rows)

    @property
    def _has_small_models(self) -> bool:
        rows = self.span.rows
        return sum(row.raw_length for row in rows) < _SMALL_MODEL_BYTES * len(rows)

    def unpack(self, take: Callable[[Frame, bytes], None]) -> Unpacked:
        """Fetch the part and pass its models to `take`."""
        rows, refetched = self.span.rows, False
        for read in (self._copied, self._fetched):
            try:
                if (data := read()) is not None:
                    return Unpacked(rows, self._unpack(data, take), refetched)
            except IntegrityError:
                refetched = True
        return Unpacked(rows, self._unpack(self._fetched(), take), refetched=True)

    def _copied(self) -> bytes | None:
        """Return the copy of the pack; None: there is none."""
        if self.early is None or self.span.length < self.pack.size:
            return None
        try:
            return self.early.result()
        except StoreError:
            return None

    def _fetched(self) -> bytes:
        span = self.span
        if span.length == self.pack.size:
            return self.store.get(self.key)
        return self.store.get_range(self.key, span.offset, span.length)

    def _unpack(self, data: bytes, take: Callable[[Frame, bytes], None]) -> int:
        pack = self.pack
        is_whole = self.span.length == pack.size
        reader = self._reader(memoryview(data))
        with _SMALL_MODELS if self._has_small_models else nullcontext():
            self._pass_on(reader, memoryview(data), take)
        # Every model is verified; this finds damage between models, at a tenth of the cost.
        if is_whole and pack_name(data, Checksum.of(data)) != pack.name:
            raise IntegrityError(f"pack {pack.name[:8]}: is damaged outside of this version's models")
        return len(data)

    def _pass_on(self, reader: ModelReader, view: memoryview, take: Callable[[Frame, bytes], None]) -> None:
        for row in self.span.rows:
            start = row.offset - self.span.offset
            try:
                model = reader.read(view[start : start + row.length], row.raw_length, row.sha256)
            except IntegrityError as error:
                what = "examples of model" if isinstance(row, ExamplesFrame) else "model"
                raise IntegrityError(f"{what} {row.uid} in pack {self.pack.name[:8]}: {error}") from None
            take(row, model)

    def _reader(self, view: memoryview) -> ModelReader:
        head_size = HEADER_BYTES + self.pack.dictionary
        if not self.pack.dictionary:
            return ModelReader()
        head = view if self.span.offset == 0 else self.store.get_range(self.key, 0, head_size)
        try:
            return ModelReader(read_dictionary(head))
        except (FormatError, IntegrityError) as error:
            raise IntegrityError(f"pack {self.pack.name[:8]}: {error}") from None
