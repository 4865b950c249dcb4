"""The pack: many models' bytes as one object, so that thousands of models are a few transfers.

    skippable frame 0x184D2A50   "BGP1", then a dictionary (always empty so far)
    zstd frame                   first model
    zstd frame                   second model
    ...
    skippable frame 0x184D2A51   the index: 56 bytes a model, then the number of models, then "BGP1"

It is a valid zstd stream (RFC 8878): `zstd -d` gives the models one after the other. A pack knows bytes and
no UIDs, so versions and devices share it freely. The reader trusts nothing: models must fill the pack
without gap or overlap, and no frame is decompressed beyond the size that was promised for it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

import zstandard

from model_registry.errors import FormatError, IntegrityError
from model_registry.formats.checksums import sha256_hex

TARGET_BYTES = 32 * 2**20
"""A pack is closed at this size: large enough to hide round trips, small enough to hold several."""

MAX_RATIO = 1000
"""A model of more than a mebibyte that grows more than this when decompressed is a bomb, not a model."""

_MAGIC = b"BGP1"
_SKIPPABLE = struct.Struct("<II")
_ROW = struct.Struct("<QQQ32s")
_TAIL = struct.Struct("<I4s")
_HEADER_TAG, _INDEX_TAG = 0x184D2A50, 0x184D2A51
_HEADER = _SKIPPABLE.pack(_HEADER_TAG, len(_MAGIC)) + _MAGIC
_LEVEL = 3


class PackEntry(NamedTuple):
    """One model in a pack."""

    offset: int
    """Where its frame begins, bytes from the start of the pack."""
    length: int
    """Bytes of the frame."""
    raw_length: int
    """Bytes of the model's file."""
    sha256: str
    """SHA-256 of the model's file."""


@dataclass
class PackWriter:
    """Collects models until the pack is full."""

    _frames: list[bytes] = field(default_factory=lambda: [_HEADER])
    _size: int = len(_HEADER)
    entries: list[PackEntry] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        """Whether the pack has reached the size that packs are sent at."""
        return self._size >= TARGET_BYTES

    def add(self, model: bytes, sha256: str) -> PackEntry:
        """Append the model, which has this SHA-256, and return its place."""
        frame = zstandard.ZstdCompressor(level=_LEVEL).compress(model)
        entry = PackEntry(self._size, len(frame), len(model), sha256)
        self.entries.append(entry)
        self._frames.append(frame)
        self._size += len(frame)
        return entry

    def to_bytes(self) -> bytes:
        """Return the pack; the same models in the same order give the same bytes."""
        rows = b"".join(_ROW.pack(*entry[:3], bytes.fromhex(entry.sha256)) for entry in self.entries)
        index = rows + _TAIL.pack(len(self.entries), _MAGIC)
        return b"".join([*self._frames, _SKIPPABLE.pack(_INDEX_TAG, len(index)), index])


def is_bomb(length: int, raw_length: int) -> bool:
    """Whether a frame of `length` bytes that grows to `raw_length` is refused."""
    return raw_length > max(2**20, MAX_RATIO * length)


def read_index(pack: bytes) -> tuple[PackEntry, ...]:
    """Return what a pack from anywhere says it holds; FormatError when it is no sound pack."""
    if not pack.startswith(_HEADER):
        raise FormatError("no pack, or one with a dictionary, which needs a newer bluegrid")
    if len(pack) < len(_HEADER) + _SKIPPABLE.size + _TAIL.size:
        raise FormatError("a pack that ends too early")
    count, magic = _TAIL.unpack(pack[-_TAIL.size :])
    index_size = count * _ROW.size + _TAIL.size
    start = len(pack) - index_size - _SKIPPABLE.size
    if magic != _MAGIC or start < len(_HEADER):
        raise FormatError("a pack without its index")
    if _SKIPPABLE.unpack_from(pack, start) != (_INDEX_TAG, index_size):
        raise FormatError("a pack whose index is not where its end says")
    rows = _ROW.iter_unpack(pack[start + _SKIPPABLE.size : -_TAIL.size])
    entries = tuple(PackEntry(offset, length, raw, sha256.hex()) for offset, length, raw, sha256 in rows)
    end = len(_HEADER)
    for entry in entries:
        if entry.offset != end or not entry.length:
            raise FormatError(f"a pack whose models overlap or leave a gap at byte {end}")
        end += entry.length
    if end != start:
        raise FormatError(f"a pack whose models end at byte {end} and whose index begins at byte {start}")
    return entries


def read_model(frame: bytes | memoryview, raw_length: int, sha256: str) -> bytes:
    """Return the model in `frame`.

    Args:
        frame: the model's bytes in the pack, from anywhere.
        raw_length: bytes that the model has, from the manifest: no more is ever allocated.
        sha256: SHA-256 that it has, from the manifest.

    Raises:
        IntegrityError: the frame does not hold that model; the message says why, in two or three words.
    """
    try:
        if zstandard.frame_content_size(frame) != raw_length:
            raise IntegrityError("its size differs")
        decompressor = zstandard.ZstdDecompressor()
        model = decompressor.decompress(frame, max_output_size=raw_length, allow_extra_data=False)
    except zstandard.ZstdError:
        raise IntegrityError("its bytes are damaged") from None
    if sha256_hex(model) != sha256:
        raise IntegrityError("SHA-256 differs")
    return model
