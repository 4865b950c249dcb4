"""Models out of a version's packs, each verified before anybody sees it.

Several parts of packs are under way at a time, as many as fit into a fixed share of memory; a pack of one
huge model has it to itself. A damaged part is fetched once more, since it may have been damaged on its way;
then everything stops, naming the model and the pack.
"""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from model_registry.errors import FormatError, IntegrityError
from model_registry.formats.checksums import Checksum
from model_registry.formats.layout import pack_key
from model_registry.formats.pack import HEADER_BYTES, ModelReader, read_dictionary
from model_registry.transfer.ranges import Span, spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from model_registry.formats.manifest import Manifest, ModelRow, PackRow
    from model_registry.stores import Store

PARALLEL = 4
"""Parts of packs under way at a time."""

BUDGET_BYTES = 96 * 2**20
"""Memory that they may take together; one part alone may take more."""


@dataclass(frozen=True)
class Unpacked:
    """One part of a pack, whose models have all been handed over."""

    rows: tuple[ModelRow, ...]
    bytes: int
    """Bytes that went over the wire."""
    refetched: bool
    """Whether it came damaged at first."""


def unpack(
    store: Store, manifest: Manifest, rows: Sequence[ModelRow], take: Callable[[ModelRow, bytes], None]
) -> Iterator[Unpacked]:
    """Bring models out of the store.

    Args:
        store: where from.
        manifest: the version's.
        rows: the wanted ones of its models.
        take: is given each verified model, from several threads; of rows that share their bytes, only one.

    Raises:
        IntegrityError: bytes are damaged, also when fetched once more.
        ObjectMissing, StoreError: as the store.
    """
    with ThreadPoolExecutor(PARALLEL) as pool:
        under_way: dict[Future[Unpacked], int] = {}
        try:
            for part in _parts(store, manifest, rows):
                while under_way and sum(under_way.values()) + part.memory > BUDGET_BYTES:
                    yield from _finished(under_way)
                # A dictionary is asked for beside the bytes that need it: no round trip is added.
                head = pool.submit(part.head)
                under_way[pool.submit(part.unpack, head, take)] = part.memory
            while under_way:
                yield from _finished(under_way)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _finished(under_way: dict[Future[Unpacked], int]) -> Iterator[Unpacked]:
    done, _ = wait(under_way, return_when=FIRST_COMPLETED)
    for future in done:
        del under_way[future]
        yield future.result()


def _parts(store: Store, manifest: Manifest, rows: Sequence[ModelRow]) -> Iterator[_Part]:
    packs = {pack.sha256: pack for pack in manifest.packs}
    for sha256, of_pack in groupby(sorted(rows, key=lambda row: row.pack), key=lambda row: row.pack):
        for span in spans(packs[sha256], list(of_pack)):
            yield _Part(store, pack_key(manifest.set, sha256), packs[sha256], span)


@dataclass(frozen=True)
class _Part:
    store: Store
    key: str
    pack: PackRow
    span: Span

    @property
    def memory(self) -> int:
        return self.span.length + max(row.raw_length for row in self.span.rows)

    @property
    def _holds_dictionary(self) -> bool:
        return self.span.offset < HEADER_BYTES + self.pack.dictionary

    def head(self) -> bytes:
        """Fetch the pack's beginning, with its dictionary, if one is needed that the part does not hold."""
        if self.pack.dictionary and not self._holds_dictionary:
            return self.store.get_range(self.key, 0, HEADER_BYTES + self.pack.dictionary)
        return b""

    def unpack(self, head: Future[bytes], take: Callable[[ModelRow, bytes], None]) -> Unpacked:
        """Fetch the part and hand over its models."""
        try:
            size = self._unpack(head.result(), take)
        except IntegrityError:
            return Unpacked(self.span.rows, self._unpack(self.head(), take), refetched=True)
        return Unpacked(self.span.rows, size, refetched=False)

    def _unpack(self, head: bytes, take: Callable[[ModelRow, bytes], None]) -> int:
        span, pack = self.span, self.pack
        is_whole = span.length == pack.size
        data = (
            self.store.get(self.key) if is_whole else self.store.get_range(self.key, span.offset, span.length)
        )
        view = memoryview(data)
        reader = self._reader(view if self._holds_dictionary else memoryview(head))
        for row in span.rows:
            start = row.offset - span.offset
            try:
                model = reader.read(view[start : start + row.length], row.raw_length, row.sha256)
            except IntegrityError as error:
                raise IntegrityError(f"model {row.uid} in pack {pack.sha256[:8]}: {error}") from None
            take(row, model)
        algorithm = pack.checksum.algorithm
        # Every model has proven itself; this finds what is damaged between them, at a tenth of the cost.
        if is_whole and Checksum.of(data, algorithm) != pack.checksum:
            raise IntegrityError(
                f"pack {pack.sha256[:8]}: {algorithm} differs, outside of this version's models"
            )
        return len(head) + len(data)

    def _reader(self, head: memoryview) -> ModelReader:
        if not self.pack.dictionary:
            return ModelReader()
        try:
            return ModelReader(read_dictionary(head))
        except (FormatError, IntegrityError) as error:
            raise IntegrityError(f"pack {self.pack.sha256[:8]}: {error}") from None
