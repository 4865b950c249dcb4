"""Packer, the third stage of a push: distributes models to packs, and records each model's pack and offset.

Models are packed in the order in which they arrive: the order of their UIDs, unless the caller streams them.
The same models make the same packs on any machine. A model that is already in a pack of the base or of this
push is not packed again, and only gets a row in the manifest. The memory of a push does not grow with the
bytes of all models.
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

    from bluegrid_registry.formats.example import Example
    from bluegrid_registry.model_types.model_type import ModelType
    from bluegrid_registry.transfer.config import TransferConfig
    from bluegrid_registry.transfer.sources import LoadedModel


class PackContents(NamedTuple):
    """The contents of a sealed pack: its row in the manifest, and its index."""

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
    """A pack that is being filled; a sealed pack accepts no more models."""

    config: TransferConfig
    raw_bytes: int = 0
    """Bytes of the models, uncompressed."""
    _models: deque[tuple[bytes, str]] = field(default_factory=deque)
    _origins: dict[str, str] = field(default_factory=dict)
    """The origin of each model, by SHA-256, for messages."""

    @property
    def is_empty(self) -> bool:
        """Whether the pack holds no model."""
        return not self._origins

    @property
    def is_large(self) -> bool:
        """Whether the pack takes so much memory that it must be sent alone."""
        return self.raw_bytes > self.config.pack_bytes and len(self._origins) == 1

    @property
    def is_full(self) -> bool:
        """Whether the models have reached the size or the number at which a pack is closed."""
        return self.raw_bytes >= self.config.pack_bytes or len(self._models) >= self.config.pack_models

    def add(self, model: LoadedModel) -> None:
        """Append a model."""
        self._models.append((model.data, model.sha256))
        self._origins[model.sha256] = model.origin
        self.raw_bytes += len(model.data)

    def seal(self, algorithm: ChecksumAlgorithm = ChecksumAlgorithm.CRC64NVME) -> SealedPack:
        """Compress the pack's models, once, in any thread.

        Args:
            algorithm: of the checksum that is sent with the bytes.

        Raises:
            FormatError: a model compresses so far that no reader would accept it.
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
    """Fills packs, and records the pack and offset of every model of a version.

    Args:
        config: determines when a pack is full.
        base: rows of the base's models.
        base_packs: the packs of these models.
    """

    def __init__(
        self, config: TransferConfig, base: Iterable[ModelRow] = (), base_packs: Iterable[PackRow] = ()
    ) -> None:
        self._config = config
        self._rows = {row.uid: row for row in base}
        self._packs = {pack.name: pack for pack in base_packs}
        self._by_sha256 = {row.sha256: row for row in self._rows.values()}
        self._waiting: dict[str, list[tuple[str, Example | None]]] = defaultdict(list)
        """UIDs and examples of models that are in no sealed pack yet, by SHA-256."""
        self._uids: set[str] = set()
        """UIDs of all models that were passed to `packs` so far."""

    @property
    def models_placed(self) -> int:
        """Number of models passed to `packs` that are in a sealed pack."""
        return len(self._uids) - sum(map(len, self._waiting.values()))

    def packs(self, models: Iterable[LoadedModel]) -> Iterator[OpenPack]:
        """Yield packs of the models that are in no pack yet; each as soon as it is full.

        Raises:
            FormatError: a UID comes twice.
        """
        pack = OpenPack(self._config)
        for model in models:
            if self._is_packed(model):
                continue
            if len(model.data) > self._config.pack_bytes and not pack.is_empty:
                # A large model gets a pack of its own, so that memory suffices.
                yield pack
                pack = OpenPack(self._config)
            pack.add(model)
            # This frame must not hold the model while its pack is sent.
            del model
            if pack.is_full:
                yield pack
                pack = OpenPack(self._config)
        if not pack.is_empty:
            yield pack

    def place(self, contents: PackContents) -> int:
        """Record the models of a sealed pack; return how many models of the version it holds."""
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

    def _is_packed(self, model: LoadedModel) -> bool:
        """Add the model's row, or note the model for its pack; return False if it must be packed."""
        if model.uid in self._uids:
            raise FormatError(f"{model.origin}: UID {model.uid} comes twice; a device has one model")
        self._uids.add(model.uid)
        known = self._by_sha256.get(model.sha256)
        if known is None:
            is_being_packed = model.sha256 in self._waiting
            self._waiting[model.sha256].append((model.uid, model.example))
            return is_being_packed
        self._rows[model.uid] = replace(known, uid=model.uid, example=model.example)
        return True
