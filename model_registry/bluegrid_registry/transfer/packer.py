"""Packer, the third stage of a push: which models go into which pack, and where each model lies.

Models are packed in the order in which they come, which is that of their UIDs unless the caller streams them:
the same models make the same packs on any machine. A model that is in a pack already, of the base or of this
push, is not packed again, but gets a row in the manifest. The memory of a push does not grow with the bytes
of all models.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from bluegrid_registry.errors import ConfigError, FormatError
from bluegrid_registry.formats.checksums import Checksum, ChecksumAlgorithm
from bluegrid_registry.formats.manifest import Manifest, ModelRow, PackRow
from bluegrid_registry.formats.pack import PackEntry, is_bomb, pack_name, write_pack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bluegrid_registry.formats.manifest import Example
    from bluegrid_registry.model_types.model_type import ModelType
    from bluegrid_registry.transfer.config import TransferConfig
    from bluegrid_registry.transfer.sources import LoadedModel


class PackContents(NamedTuple):
    """What a sealed pack holds: its row in the manifest, and where each model lies in it."""

    row: PackRow
    entries: tuple[PackEntry, ...]


class SealedPack(NamedTuple):
    """A pack's bytes, ready to be sent."""

    data: bytes
    checksum: Checksum
    """The checksum of the bytes, which is sent with them."""
    contents: PackContents


@dataclass
class OpenPack:
    """A pack that is being filled; once it is sealed it takes no more models."""

    config: TransferConfig
    raw_bytes: int = 0
    """Bytes of its models, uncompressed."""
    _models: deque[tuple[bytes, str]] = field(default_factory=deque)
    _origins: dict[str, str] = field(default_factory=dict)
    """Where each model comes from, by its SHA-256."""

    @property
    def is_empty(self) -> bool:
        """Whether it holds no model."""
        return not self._origins

    @property
    def is_large(self) -> bool:
        """Whether it takes so much memory that nothing else should be sent beside it."""
        return self.raw_bytes > self.config.pack_bytes and len(self._origins) == 1

    @property
    def is_full(self) -> bool:
        """Whether its models have reached the size or the number at which a pack is closed."""
        return self.raw_bytes >= self.config.pack_bytes or len(self._models) >= self.config.pack_models

    def add(self, model: LoadedModel) -> None:
        """Append a model."""
        self._models.append((model.data, model.sha256))
        self._origins[model.sha256] = model.origin
        self.raw_bytes += len(model.data)

    def seal(self, algorithm: ChecksumAlgorithm = ChecksumAlgorithm.CRC64NVME) -> SealedPack:
        """Make the pack's bytes, once, from any thread.

        Args:
            algorithm: of the checksum that is sent with them.

        Raises:
            FormatError: a model shrinks so far that no reader would accept it.
        """
        data, entries, dictionary = write_pack(self._models)
        for entry in entries:
            if is_bomb(entry.length, entry.raw_length):
                shrinks = f"shrinks from {entry.raw_length} to {entry.length} bytes"
                origin = self._origins[entry.sha256]
                raise FormatError(f"{origin}: {shrinks}, which no reader accepts; is it a model?")
        crc = Checksum.of(data)
        row = PackRow(name=pack_name(data, crc), size=len(data), dictionary=len(dictionary))
        checksum = crc if algorithm is crc.algorithm else Checksum.of(data, algorithm)
        return SealedPack(data, checksum, PackContents(row, entries))


class Packer:
    """Knows where every model of a version lies, as packs are filled and sealed.

    Args:
        config: says when a pack is full.
        base: rows to start from.
        base_packs: the packs that these models lie in.
    """

    def __init__(
        self, config: TransferConfig, base: Iterable[ModelRow] = (), base_packs: Iterable[PackRow] = ()
    ) -> None:
        self._config = config
        self._rows = {row.uid: row for row in base}
        self._packs = {pack.name: pack for pack in base_packs}
        self._by_sha256 = {row.sha256: row for row in self._rows.values()}
        self._waiting: dict[str, list[tuple[str, Example | None]]] = defaultdict(list)
        """UIDs and examples of models that lie in no sealed pack yet, by SHA-256."""
        self._given: set[str] = set()

    @property
    def models_placed(self) -> int:
        """Number of given models that lie in a sealed pack."""
        return len(self._given) - sum(map(len, self._waiting.values()))

    def packs(self, models: Iterable[LoadedModel]) -> Iterator[OpenPack]:
        """Yield packs of the models that are in no pack yet, each as soon as it is full.

        Raises:
            FormatError: a UID comes twice.
        """
        pack = OpenPack(self._config)
        for model in models:
            if self._lies_in_a_pack(model):
                continue
            if len(model.data) > self._config.pack_bytes and not pack.is_empty:
                # A large model gets a pack of its own, so that there is memory for it.
                yield pack
                pack = OpenPack(self._config)
            pack.add(model)
            # Nothing here may hold the model while its pack is sent.
            del model
            if pack.is_full:
                yield pack
                pack = OpenPack(self._config)
        if not pack.is_empty:
            yield pack

    def place(self, contents: PackContents) -> int:
        """Note where the models of a sealed pack lie; return how many models of the version it holds."""
        self._packs[contents.row.name] = contents.row
        models = 0
        for entry in contents.entries:
            waiting = self._waiting.pop(entry.sha256)
            models += len(waiting)
            for uid, example in waiting:
                placed = ModelRow(uid=uid, pack=contents.row.name, example=example, **entry._asdict())
                self._by_sha256[entry.sha256] = self._rows[uid] = placed
        return models

    def manifest(
        self, set_id: str, version_id: str, model_type: ModelType, names: tuple[str, ...] | None = None
    ) -> Manifest:
        """Return the version's manifest, once every pack is sealed; ConfigError if there is no model."""
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

    def _lies_in_a_pack(self, model: LoadedModel) -> bool:
        """Give the model its row, or note it for the pack that will hold it; False: it must be packed."""
        if model.uid in self._given:
            raise FormatError(f"{model.origin}: UID {model.uid} comes twice; a device has one model")
        self._given.add(model.uid)
        known = self._by_sha256.get(model.sha256)
        if known is None:
            is_being_packed = model.sha256 in self._waiting
            self._waiting[model.sha256].append((model.uid, model.example))
            return is_being_packed
        self._rows[model.uid] = replace(known, uid=model.uid, example=model.example)
        return True
