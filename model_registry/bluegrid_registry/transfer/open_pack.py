"""A pack while it is filled, and the same pack sealed: compressed, named and ready to be sent."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from bluegrid_registry.errors import FormatError
from bluegrid_registry.formats.checksums import Checksum, ChecksumAlgorithm
from bluegrid_registry.formats.manifest import PackRow
from bluegrid_registry.formats.pack import PackEntry, is_bomb, pack_name, write_pack

if TYPE_CHECKING:
    from bluegrid_registry.transfer.config import TransferConfig


class PackContents(NamedTuple):
    """The contents of a sealed pack: its row in the manifest, and its index."""

    row: PackRow
    entries: tuple[PackEntry, ...]
    holds_examples: bool
    """Whether the entries are recorded examples, not models."""


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
    holds_examples: bool = False
    """Whether the pack is for recorded examples, not for models."""
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

    def add(self, data: bytes, sha256: str, origin: str) -> None:
        """Append a model, or the examples of a model.

        Args:
            data: the bytes.
            sha256: their digest.
            origin: where they come from, for messages.
        """
        self._models.append((data, sha256))
        self._origins[sha256] = origin
        self.raw_bytes += len(data)

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
                origin = self._origins[entry.sha256]
                change = f"from {entry.raw_length} to {entry.length} bytes, which no reader accepts"
                if self.holds_examples:
                    raise FormatError(f"{origin}: shrink {change}; record fewer equal values")
                raise FormatError(f"{origin}: shrinks {change}; is it a model?")
        crc = Checksum.of(data)
        row = PackRow(name=pack_name(data, crc), size=len(data), dictionary=len(dictionary))
        checksum = crc if algorithm is crc.algorithm else Checksum.of(data, algorithm)
        return SealedPack(data, checksum, PackContents(row, entries, self.holds_examples))
