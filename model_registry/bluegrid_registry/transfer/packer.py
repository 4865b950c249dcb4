"""Packing: which models lie in which pack, and the manifest that says so.

A model that a base version holds already, or that two devices share, is packed once. Models are packed in
the order in which they come, so the same models in the same order make the same packs.

What is kept of a model, once its pack is filled, is its row of the manifest; models are read a few mebibytes
ahead, by threads. So the memory that a push takes does not grow with the models' bytes.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from bluegrid_registry.errors import ConfigError, FormatError
from bluegrid_registry.formats import pack as pack_format
from bluegrid_registry.formats.checksums import Checksum, ChecksumAlgorithm, sha256_hex
from bluegrid_registry.formats.manifest import Manifest, ModelRow, PackRow
from bluegrid_registry.formats.pack import PackEntry, PackWriter, is_bomb, pack_name
from bluegrid_registry.names import check_uid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future, ThreadPoolExecutor

    from bluegrid_registry.formats.manifest import Example
    from bluegrid_registry.model_types.model_type import ModelType
    from bluegrid_registry.transfer.sources import SourceModel

READERS = 2
"""Threads that read and hash models."""

CHUNK_BYTES = 2 * 2**20
CHUNK_MODELS = 256
"""What a thread reads at a time: much of it costs memory, little of it hand-overs between threads."""


class LoadedModel(NamedTuple):
    """A model in memory."""

    uid: str
    example: Example | None
    origin: str
    data: bytes
    sha256: str


@dataclass(frozen=True)
class Pack:
    """A finished pack, ready to be sent."""

    data: bytes
    checksum: Checksum
    """Checksum 1, to be sent with it."""
    row: PackRow
    entries: tuple[PackEntry, ...]


@dataclass
class FilledPack:
    """A pack that takes no more models; its bytes are yet to be made."""

    writer: PackWriter = field(default_factory=PackWriter)
    origins: dict[str, str] = field(default_factory=dict)
    """Where each model comes from, by its SHA-256."""
    raw_bytes: int = 0

    @property
    def is_large(self) -> bool:
        """Whether it takes so much memory that nothing else should be under way."""
        return self.raw_bytes > pack_format.TARGET_BYTES and len(self.origins) == 1

    def add(self, model: LoadedModel) -> None:
        """Append a model."""
        self.writer.add(model.data, model.sha256)
        self.origins[model.sha256] = model.origin
        self.raw_bytes += len(model.data)

    def close(self, algorithm: ChecksumAlgorithm = ChecksumAlgorithm.CRC64NVME) -> Pack:
        """Make the pack's bytes; FormatError when a model is a bomb. From any thread, once."""
        data = self.writer.to_bytes()
        entries = tuple(self.writer.entries)
        for entry in entries:
            if is_bomb(entry.length, entry.raw_length):
                shrinks = f"shrinks from {entry.raw_length} to {entry.length} bytes"
                origin = self.origins[entry.sha256]
                raise FormatError(f"{origin}: {shrinks}, which no reader accepts; is it a model?")
        crc = Checksum.of(data)
        row = PackRow(name=pack_name(data, crc), size=len(data), dictionary=len(self.writer.dictionary))
        checksum = crc if algorithm is crc.algorithm else Checksum.of(data, algorithm)
        return Pack(data, checksum, row, entries)


class Packing:
    """Where every model of a version lies, as packs are filled and made.

    Args:
        base: rows to start from.
        base_packs: the packs that they lie in.
    """

    def __init__(self, base: Iterable[ModelRow] = (), base_packs: Iterable[PackRow] = ()) -> None:
        self._rows = {row.uid: row for row in base}
        self._packs = {pack.name: pack for pack in base_packs}
        self._by_sha256 = {row.sha256: row for row in self._rows.values()}
        self._waiting: dict[str, list[tuple[str, Example | None]]] = defaultdict(list)
        self._given: set[str] = set()

    @property
    def models_placed(self) -> int:
        """Models that were given, and lie in a pack that is made."""
        return len(self._given) - sum(map(len, self._waiting.values()))

    def packs(
        self, models: Iterable[LoadedModel], check: Callable[[str, bytes], None]
    ) -> Iterator[FilledPack]:
        """Yield packs of the models that lie nowhere yet, as each is full; `check` sees every model."""
        pack = FilledPack()
        for model in models:
            check(model.uid, model.data)
            if self._is_placed(model):
                continue
            if pack.origins and len(model.data) > pack_format.TARGET_BYTES:
                # It goes alone, so that there is room in memory for it.
                yield pack
                pack = FilledPack()
            pack.add(model)
            # Nothing here may hold the model while its pack is on its way.
            del model
            if pack.writer.is_full or pack.is_large:
                yield pack
                pack = FilledPack()
        if pack.origins:
            yield pack

    def place(self, row: PackRow, entries: Iterable[PackEntry]) -> int:
        """Note where the models of a pack lie, now that it is made; return how many there are."""
        self._packs[row.name] = row
        models = 0
        for entry in entries:
            waiting = self._waiting.pop(entry.sha256)
            models += len(waiting)
            for uid, example in waiting:
                placed = ModelRow(uid=uid, pack=row.name, example=example, **entry._asdict())
                self._by_sha256[entry.sha256] = self._rows[uid] = placed
        return models

    def manifest(
        self, set_id: str, version_id: str, model_type: ModelType, names: tuple[str, ...] | None = None
    ) -> Manifest:
        """Return the version's manifest, once every pack is made; ConfigError when there is no model."""
        if not self._rows:
            empty = f"set {set_id} version {version_id}: no model is left"
            raise ConfigError(f"{empty}; a version has at least one")
        used = {row.pack for row in self._rows.values()}
        return Manifest(
            set=set_id,
            version=version_id,
            type=model_type,
            globals=names,
            packs=tuple(self._packs[name] for name in sorted(used)),
            models=tuple(self._rows[uid] for uid in sorted(self._rows)),
        )

    def _is_placed(self, model: LoadedModel) -> bool:
        """Give the model its row, or let it wait for one; False: it must be packed."""
        if model.uid in self._given:
            raise FormatError(f"{model.origin}: UID {model.uid} is there twice; a device has one model")
        self._given.add(model.uid)
        known = self._by_sha256.get(model.sha256)
        if known is None:
            is_filling = model.sha256 in self._waiting
            self._waiting[model.sha256].append((model.uid, model.example))
            return is_filling
        self._rows[model.uid] = replace(known, uid=model.uid, example=model.example)
        return True


def read_ahead(models: Iterable[SourceModel], readers: ThreadPoolExecutor) -> Iterator[LoadedModel]:
    """Read models a few mebibytes ahead; one that is larger than a pack only when its turn has come."""
    # The threads are the caller's: a generator may be left half-way, and then nothing says when it ends them.
    ahead: deque[Future[list[LoadedModel]]] = deque()
    for size, chunk in _chunks(models):
        is_large = size > pack_format.TARGET_BYTES
        while ahead and (is_large or len(ahead) > READERS):
            yield from _drained(ahead.popleft().result())
        ahead.append(readers.submit(_load, chunk))
        if is_large:
            yield from _drained(ahead.popleft().result())
    while ahead:
        yield from _drained(ahead.popleft().result())


def _chunks(models: Iterable[SourceModel]) -> Iterator[tuple[int, list[SourceModel]]]:
    total = 0
    chunk: list[SourceModel] = []
    for model in models:
        try:
            check_uid(model.uid)
        except ValueError as error:
            raise ConfigError(f"{error}; name the device otherwise") from None
        size = model.size()
        if chunk and total + size > CHUNK_BYTES:
            yield total, chunk
            total, chunk = 0, []
        total += size
        chunk.append(model)
        # Its bytes may be large: only the thread that reads it shall hold it, and no next one beside it.
        del model
        if total >= CHUNK_BYTES or len(chunk) == CHUNK_MODELS:
            yield total, chunk
            total, chunk = 0, []
    if chunk:
        yield total, chunk


def _load(models: list[SourceModel]) -> list[LoadedModel]:
    loaded = []
    models.reverse()
    while models:
        model = models.pop()
        data = model.read()
        loaded.append(LoadedModel(model.uid, model.example, model.origin, data, sha256_hex(data)))
    return loaded


def _drained(models: list[LoadedModel]) -> Iterator[LoadedModel]:
    # Popped, so that a model is in memory no longer than it is needed.
    models.reverse()
    while models:
        yield models.pop()
