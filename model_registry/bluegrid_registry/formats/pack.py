"""The pack: many models' bytes as one object, so that thousands of models take only a few transfers.

    skippable frame 0x184D2A50   "BGP1", then the dictionary, if any
    zstd frame                   first model
    zstd frame                   second model
    ...
    skippable frame 0x184D2A51   the index: 56 bytes per model, then the number of models, then "BGP1"

It is a valid zstd stream (RFC 8878): `zstd -d` (with `-D` and the dictionary) yields the models one after
the other. A pack contains no UIDs, so versions and devices can share it. The reader does not trust the pack:
models must fill it without gap or overlap, and no frame is decompressed beyond the size that the manifest
states.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

import zstandard

from bluegrid_registry.errors import FormatError, IntegrityError
from bluegrid_registry.formats.checksums import Checksum, sha256_hex
from bluegrid_registry.formats.compression import MAX_DICTIONARY_BYTES, as_dictionary, best_compression

if TYPE_CHECKING:
    from collections import deque

    from bluegrid_registry.formats.compression import Part

MAX_RATIO = 1000
"""Largest factor by which a frame may grow to more than 1 MiB; beyond it, a frame is refused as a bomb."""

_MAGIC = b"BGP1"
_SKIPPABLE = struct.Struct("<II")
_HEADER = struct.Struct("<II4s")
_ROW = struct.Struct("<QQQ32s")
_TAIL = struct.Struct("<I4s")
_HEADER_TAG, _INDEX_TAG = 0x184D2A50, 0x184D2A51

HEADER_BYTES = _HEADER.size
"""Bytes before a pack's dictionary, or before its first model if there is none."""


class PackEntry(NamedTuple):
    """One model in a pack."""

    offset: int
    """Bytes from the start of the pack to the model's frame."""
    length: int
    """Bytes of the frame."""
    raw_length: int
    """Bytes of the model's file."""
    sha256: str
    """SHA-256 of the model's file."""


class WrittenPack(NamedTuple):
    """A pack's bytes, and its index."""

    data: bytes
    entries: tuple[PackEntry, ...]
    dictionary: bytes
    """The zstd dictionary of the models; empty if none was worthwhile."""


def write_pack(models: deque[tuple[bytes, str]]) -> WrittenPack:
    """Compress models into one pack; the same models in the same order give the same bytes.

    Args:
        models: each with its SHA-256. They are removed one by one, so that each is freed once compressed.
    """
    compression = best_compression([model for model, _ in models])
    compress = compression.compressor()
    header = _HEADER.pack(_HEADER_TAG, len(_MAGIC) + len(compression.dictionary), _MAGIC)
    # Parts are joined at the end: a growing buffer takes six times as long.
    parts: list[Part] = [header, compression.dictionary]
    end = sum(map(len, parts))
    entries: list[PackEntry] = []
    while models:
        model, sha256 = models.popleft()
        raw_length = len(model)
        frame = compress(model)
        del model
        length = sum(map(len, frame))
        entries.append(PackEntry(end, length, raw_length, sha256))
        end += length
        parts += frame
    rows = [_ROW.pack(*entry[:3], bytes.fromhex(entry.sha256)) for entry in entries]
    index = b"".join((*rows, _TAIL.pack(len(entries), _MAGIC)))
    data = b"".join((*parts, _SKIPPABLE.pack(_INDEX_TAG, len(index)), index))
    return WrittenPack(data, tuple(entries), compression.dictionary)


def pack_name(pack: bytes, checksum: Checksum) -> str:
    """Return the pack's name: the SHA-256 of its index, followed by the checksum, as 64 hex digits.

    The index holds every model's SHA-256, so no model is hashed twice; the checksum detects damage to the
    frames. Bytes that are not a pack get a name that no pack has.

    Args:
        pack: its bytes, from any source.
        checksum: their CRC-64/NVME.
    """
    count = int.from_bytes(pack[-_TAIL.size : -len(_MAGIC)], "little")
    index = pack[-_SKIPPABLE.size - _index_size(count) :]
    return sha256_hex(index + checksum.to_bytes())


def _index_size(models: int) -> int:
    return models * _ROW.size + _TAIL.size


def most_raw_bytes(length: int) -> int:
    """Return the most bytes to which `length` compressed bytes may decompress."""
    return max(2**20, MAX_RATIO * length)


def is_bomb(length: int, raw_length: int) -> bool:
    """Whether to refuse a frame of `length` bytes that claims to decompress to `raw_length` bytes."""
    return raw_length > most_raw_bytes(length)


def read_dictionary(head: bytes | memoryview) -> bytes:
    """Return the dictionary of the pack that begins with `head`; FormatError if `head` is invalid."""
    if len(head) < HEADER_BYTES:
        raise FormatError("a pack that ends too early")
    tag, size, magic = _HEADER.unpack_from(head)
    size -= len(_MAGIC)
    if (tag, magic) != (_HEADER_TAG, _MAGIC) or not 0 <= size <= MAX_DICTIONARY_BYTES:
        raise FormatError("not a pack, or a pack that needs a newer bluegrid")
    if len(head) < HEADER_BYTES + size:
        raise FormatError("a pack that ends within its dictionary")
    return bytes(head[HEADER_BYTES : HEADER_BYTES + size])


def read_index(pack: bytes) -> tuple[PackEntry, ...]:
    """Return the index of an untrusted pack; FormatError if the pack is not sound."""
    begin = HEADER_BYTES + len(read_dictionary(pack))
    if len(pack) < begin + _SKIPPABLE.size + _TAIL.size:
        raise FormatError("a pack that ends too early")
    count, magic = _TAIL.unpack(pack[-_TAIL.size :])
    index_size = _index_size(count)
    start = len(pack) - index_size - _SKIPPABLE.size
    if magic != _MAGIC or start < begin:
        raise FormatError("a pack without its index")
    if _SKIPPABLE.unpack_from(pack, start) != (_INDEX_TAG, index_size):
        raise FormatError("a pack whose index is not where its end says")
    rows = _ROW.iter_unpack(pack[start + _SKIPPABLE.size : -_TAIL.size])
    entries = tuple(PackEntry(offset, length, raw, sha256.hex()) for offset, length, raw, sha256 in rows)
    end = begin
    for entry in entries:
        if entry.offset != end or not entry.length:
            raise FormatError(f"a pack whose models overlap or leave a gap at byte {end}")
        end += entry.length
    if end != start:
        raise FormatError(f"a pack whose models end at byte {end} and whose index begins at byte {start}")
    return entries


class ModelReader:
    """Reads the models of one pack; for one thread.

    Args:
        dictionary: the pack's dictionary, untrusted; empty: none.

    Raises:
        IntegrityError: `dictionary` is not a zstd dictionary.
    """

    def __init__(self, dictionary: bytes = b"") -> None:
        try:
            # All models of a pack share one decompressor: creating it costs more than using it.
            self._decompressor = zstandard.ZstdDecompressor(dict_data=as_dictionary(dictionary))
        except zstandard.ZstdError:
            raise IntegrityError("its dictionary is damaged") from None

    def read(self, frame: bytes | memoryview, raw_length: int, sha256: str) -> bytes:
        """Return the model in `frame`.

        Args:
            frame: the model's bytes in the pack, untrusted.
            raw_length: bytes of the model, from the manifest: no more is ever allocated.
            sha256: SHA-256 of the model, from the manifest.

        Raises:
            IntegrityError: the frame does not hold this model; the message names the fault in a few words.
        """
        try:
            if zstandard.frame_content_size(frame) != raw_length:
                raise IntegrityError("its size differs")
            model = self._decompressor.decompress(frame, max_output_size=raw_length, allow_extra_data=False)
        except zstandard.ZstdError:
            raise IntegrityError("its bytes are damaged") from None
        if sha256_hex(model) != sha256:
            raise IntegrityError("SHA-256 differs")
        return model
