"""Compression of a pack's models: the zstd level and dictionary.

Models of one set are similar: a shared dictionary makes small models several times smaller again. The
compression is chosen by a trial on a sample of the pack's own models, so the same models always give the same
bytes. One half of the sample trains the dictionary, the other half tests it: a dictionary always fits its own
training data.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import zstandard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Part = bytes | memoryview

MAX_DICTIONARY_BYTES = 16 * 2**10
"""Largest dictionary, in bytes. Small models share only a few KiB, and a fetch of one model needs it too."""

_MAX_AVERAGE_BYTES = 64 * 2**10
"""Average bytes of a model up to which a dictionary is tried: larger models repeat within themselves."""

_SAMPLE_BYTES = 2**20
"""Size of the sample, approximately."""
_PIECE_BYTES = 64 * 2**10
"""Largest part of one model in the sample."""
_WORTH = 0.95
"""Largest remaining share of the bytes at which compression, or a dictionary, is used."""

_LEVEL = 3

_FRAME_HEAD = struct.Struct("<IBBQ")
_FRAME_MAGIC, _SIZE_IN_8_BYTES, _WINDOW_OF_2_MIB = 0xFD2FB528, 0xC0, 0x58
_BLOCK_BYTES = 128 * 2**10

_SEGMENT_BYTES, _DMER_BYTES = 1024, 8
"""Training parameters, in bytes. A search for better ones takes five times as long and gains up to 5 %."""


@dataclass(frozen=True)
class Compression:
    """The level and dictionary for every model of a pack."""

    level: int | None
    """zstd's level; None: models are stored uncompressed."""
    dictionary: bytes = b""

    def compressor(self) -> Callable[[bytes], Sequence[Part]]:
        """Return a function that compresses a model into the parts of a zstd frame; for one thread."""
        if self.level is None:
            return stored_frame
        compressor = zstandard.ZstdCompressor(level=self.level, dict_data=as_dictionary(self.dictionary))
        return lambda model: (compressor.compress(model),)


def as_dictionary(dictionary: bytes) -> zstandard.ZstdCompressionDict | None:
    """Return `dictionary` for zstandard; ZstdError if it is not a trained dictionary."""
    if not dictionary:
        return None
    return zstandard.ZstdCompressionDict(dictionary, dict_type=zstandard.DICT_TYPE_FULLDICT)


def stored_frame(model: bytes) -> list[Part]:
    """Return the parts of a zstd frame that holds the model uncompressed (RFC 8878, raw blocks).

    zstd takes as long to find that a model does not shrink as a store takes to receive it. The model is not
    copied: a copy took a fifth of the processor time of a push of large models.
    """
    view = memoryview(model)
    parts: list[Part] = [_FRAME_HEAD.pack(_FRAME_MAGIC, _SIZE_IN_8_BYTES, _WINDOW_OF_2_MIB, len(model))]
    for start in range(0, len(model), _BLOCK_BYTES):
        block = view[start : start + _BLOCK_BYTES]
        is_last = start + _BLOCK_BYTES >= len(model)
        parts += [(len(block) << 3 | is_last).to_bytes(3, "little"), block]
    return parts


def best_compression(models: Sequence[bytes]) -> Compression:
    """Return the compression that a trial on a sample of these models favours."""
    total = sum(map(len, models))
    # The sample is spread over the pack: neighbours may be more alike than the rest.
    step = -(-total // _SAMPLE_BYTES) or 1
    sample = [model[:_PIECE_BYTES] for model in models[::step]]
    training, judging = sample[0::2], sample[1::2] or sample
    plain = _compressed(judging, Compression(_LEVEL))
    if total <= _MAX_AVERAGE_BYTES * len(models) and (dictionary := _trained(training, judging, plain)):
        scale = total / sum(map(len, judging))
        with_dictionary = _compressed(judging, Compression(_LEVEL, dictionary))
        if with_dictionary * scale + len(dictionary) <= _WORTH * plain * scale:
            return Compression(_LEVEL, dictionary)
    shrinks = plain <= _WORTH * sum(map(len, judging))
    return Compression(_LEVEL if shrinks else None)


def _compressed(models: Sequence[bytes], compression: Compression) -> int:
    compress = compression.compressor()
    return sum(len(part) for model in models for part in compress(model))


def _trained(training: Sequence[bytes], judging: Sequence[bytes], plain: int) -> bytes:
    # A dictionary helps only if the joined models compress well; this test costs a tenth of the training.
    if _compressed([b"".join(judging)], Compression(_LEVEL)) > _WORTH * plain:
        return b""
    try:
        return zstandard.train_dictionary(
            MAX_DICTIONARY_BYTES, list(training), k=_SEGMENT_BYTES, d=_DMER_BYTES, level=_LEVEL
        ).as_bytes()
    except zstandard.ZstdError:
        # There are too few models, or they are too small.
        return b""
