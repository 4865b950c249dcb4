"""Packs return the models that were packed; the same models give the same pack; hostile packs are refused."""

from __future__ import annotations

import io
import json
import random
import struct
from collections import deque

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from bluegrid_registry import Checksum, FormatError, IntegrityError, sha256_hex
from bluegrid_registry.formats.compression import MAX_DICTIONARY_BYTES, stored_frame
from bluegrid_registry.formats.pack import (
    ModelReader,
    PackEntry,
    WrittenPack,
    pack_name,
    read_dictionary,
    read_index,
    write_pack,
)

NAMES = [f"bus {number} active power" for number in range(30)]
MODELS = [b"a model", b"another model" * 500, bytes(range(256)) * 40]


def pack_of(models: list[bytes]) -> bytes:
    return written(models).data


def written(models: list[bytes]) -> WrittenPack:
    return write_pack(deque((model, sha256_hex(model)) for model in models))


def name_of(pack: bytes) -> str:
    return pack_name(pack, Checksum.of(pack))


def models_in(pack: bytes) -> list[bytes]:
    return [
        ModelReader().read(pack[entry.offset : entry.offset + entry.length], entry.raw_length, entry.sha256)
        for entry in read_index(pack)
    ]


@given(st.lists(st.binary(min_size=1, max_size=2000), max_size=10))
def test_what_goes_in_comes_out(models: list[bytes]) -> None:
    assert models_in(pack_of(models)) == models


def test_the_same_models_make_the_same_bytes() -> None:
    assert pack_of(MODELS) == pack_of(MODELS)


def test_any_zstd_program_reads_a_pack() -> None:
    with zstandard.ZstdDecompressor().stream_reader(
        io.BytesIO(pack_of(MODELS)), read_across_frames=True
    ) as reader:
        assert reader.read() == b"".join(MODELS)


@given(st.data())
def test_a_changed_byte_never_gives_another_model(data: st.DataObject) -> None:
    pack = bytearray(pack_of(MODELS))
    index = data.draw(st.integers(0, len(pack) - 1))
    pack[index] ^= data.draw(st.integers(1, 255))
    entries = read_index(pack_of(MODELS))
    for entry, model in zip(entries, MODELS, strict=True):
        frame = bytes(pack[entry.offset : entry.offset + entry.length])
        try:
            assert ModelReader().read(frame, entry.raw_length, entry.sha256) == model
        except IntegrityError:
            assert entry.offset <= index < entry.offset + entry.length


@given(st.data())
def test_a_changed_byte_anywhere_changes_the_name(data: st.DataObject) -> None:
    pack = pack_of(MODELS)
    changed = bytearray(pack)
    changed[data.draw(st.integers(0, len(pack) - 1))] ^= data.draw(st.integers(1, 255))
    assert name_of(bytes(changed)) != name_of(pack)


@given(st.binary(max_size=300))
def test_bytes_that_are_no_pack_have_no_packs_name(data: bytes) -> None:
    pack = pack_of(MODELS)
    for other in (data, data + pack, pack + data, pack[: len(data)], pack[len(data) :]):
        assert (name_of(other) == name_of(pack)) == (other == pack)


def test_the_same_models_in_other_frames_are_another_pack() -> None:
    noise = random.Random(1).randbytes(1000)
    pack = bytearray(pack_of([noise]))
    # A larger window than the frame needs: zstd reads the same model.
    pack[17] += 8
    assert models_in(bytes(pack)) == [noise]
    assert name_of(bytes(pack)) != name_of(pack_of([noise]))


CRC_BLIND = (1 | 0x9A6C9329AC4BC9B5 << 1).to_bytes(9, "little")
"""The polynomial of CRC-64/NVME, lowest bit first: flipping these bits keeps the checksum."""


@pytest.mark.parametrize(("place", "is_same_name"), [(0, True), (30, True), (1050, False)])
def test_what_is_forged_past_the_checksum_gives_no_other_model(place: int, is_same_name: bool) -> None:
    noise = random.Random(1).randbytes(1000)
    pack = pack_of([noise])
    forged = bytearray(pack)
    forged[place : place + 9] = (
        byte ^ change for byte, change in zip(pack[place : place + 9], CRC_BLIND, strict=True)
    )
    assert Checksum.of(bytes(forged)) == Checksum.of(pack)
    assert (name_of(bytes(forged)) == name_of(pack)) == is_same_name
    with pytest.raises((IntegrityError, FormatError)):
        models_in(bytes(forged))


@given(st.binary(max_size=300))
def test_bytes_that_are_no_pack_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_index(data)


@given(st.data())
def test_a_damaged_pack_is_refused_or_its_models_are(data: st.DataObject) -> None:
    pack = bytearray(pack_of(MODELS))
    for _ in range(data.draw(st.integers(1, 3))):
        pack[data.draw(st.integers(0, len(pack) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert set(models_in(bytes(pack))) <= set(MODELS)
    except (FormatError, IntegrityError) as error:
        message = str(error)
        assert "\n" not in message


def with_index(pack: bytes, entries: list[PackEntry], count: int | None = None) -> bytes:
    """Return the pack with another index."""
    start = len(pack) - len(read_index(pack)) * 56 - 8 - 8
    rows = b"".join(struct.pack("<QQQ32s", *entry[:3], bytes.fromhex(entry.sha256)) for entry in entries)
    index = rows + struct.pack("<I4s", len(entries) if count is None else count, b"BGP1")
    return pack[:start] + struct.pack("<II", 0x184D2A51, len(index)) + index


def test_a_pack_whose_index_lies_is_refused() -> None:
    pack = pack_of(MODELS)
    first, second, third = read_index(pack)
    assert with_index(pack, [first, second, third]) == pack
    for entries, message in [
        ([first, second._replace(offset=second.offset - 1), third], "overlap or leave a gap"),
        ([first, second._replace(length=second.length + 1), third], "overlap or leave a gap"),
        ([first, third, second], "overlap or leave a gap"),
        ([first, first, second, third], "overlap or leave a gap"),
        ([first, second], "models end at byte"),
        ([first, second, third._replace(length=2**60)], "models end at byte"),
        ([first._replace(length=0), second, third], "overlap or leave a gap"),
    ]:
        with pytest.raises(FormatError, match=message):
            read_index(with_index(pack, entries))
    for count in (0, 2, 4, 2**32 - 1):
        with pytest.raises(FormatError):
            read_index(with_index(pack, [first, second, third], count))


@pytest.mark.parametrize("cut", [1, 4, 8, 60, 200])
def test_a_truncated_or_lengthened_pack_is_refused(cut: int) -> None:
    pack = pack_of(MODELS)
    for wrong in (pack[:-cut], pack[cut:], pack + bytes(cut)):
        with pytest.raises(FormatError):
            read_index(wrong)


def test_a_dictionary_that_is_too_large_needs_a_newer_program() -> None:
    pack = pack_of(MODELS)
    size = MAX_DICTIONARY_BYTES + 1
    head = struct.pack("<II", 0x184D2A50, 4 + size) + b"BGP1" + bytes(size)
    with pytest.raises(FormatError, match="newer bluegrid"):
        read_index(head + pack[12:])


def test_models_that_are_alike_share_a_dictionary() -> None:
    document = {"kind": "ridge regression", "inputs": NAMES}
    alike = [json.dumps({"weights": [number * 0.37] * 3, **document}).encode() for number in range(400)]
    pack, _, dictionary = written(alike)
    assert 0 < len(dictionary) <= MAX_DICTIONARY_BYTES
    assert read_dictionary(pack) == dictionary
    plain = sum(len(zstandard.compress(model)) for model in alike)
    assert len(pack) - 56 * len(alike) < plain / 2
    reader = ModelReader(dictionary)
    for model, entry in zip(alike, read_index(pack), strict=True):
        frame = pack[entry.offset : entry.offset + entry.length]
        assert reader.read(frame, entry.raw_length, entry.sha256) == model
        with pytest.raises(IntegrityError):
            ModelReader().read(frame, entry.raw_length, entry.sha256)


@pytest.mark.parametrize("size", [1, 255, 131_071, 131_072, 131_073, 5_000_000])
def test_what_does_not_shrink_is_stored_in_frames_that_zstd_reads(size: int) -> None:
    noise = random.Random(size).randbytes(size)
    frame = b"".join(stored_frame(noise))
    assert len(frame) <= size + 14 + 3 * (size // 131_072 + 1)
    assert zstandard.ZstdDecompressor().decompress(frame) == noise
    assert zstandard.ZstdDecompressor().stream_reader(frame).read() == noise
    assert ModelReader().read(frame, size, sha256_hex(noise)) == noise


def test_the_same_models_make_the_same_dictionary() -> None:
    models = [f"model of line {number % 50}: {NAMES}".encode() * 3 for number in range(300)]
    packs = [pack_of(models) for _ in range(3)]
    assert packs[0] == packs[1] == packs[2]


@pytest.mark.parametrize("damaged", [b"\x37\xa4\x30\xec" + bytes(100), b"no dictionary"])
def test_a_damaged_dictionary_is_told(damaged: bytes) -> None:
    with pytest.raises(IntegrityError, match="its dictionary is damaged"):
        ModelReader(damaged)


def test_a_frame_that_grows_beyond_its_promise_is_not_decompressed() -> None:
    bomb = zstandard.ZstdCompressor(level=3).compress(bytes(50_000_000))
    for promised in (1000, 50_000_001):
        with pytest.raises(IntegrityError, match="its size differs"):
            ModelReader().read(bomb, promised, "0" * 64)


def test_a_frame_that_hides_its_size_is_refused() -> None:
    frame = zstandard.ZstdCompressor(write_content_size=False).compress(b"a model")
    with pytest.raises(IntegrityError, match="its size differs"):
        ModelReader().read(frame, 7, sha256_hex(b"a model"))


def test_bytes_after_a_frame_are_refused() -> None:
    frame = zstandard.ZstdCompressor().compress(b"a model")
    with pytest.raises(IntegrityError, match="its bytes are damaged"):
        ModelReader().read(frame + frame, 7, sha256_hex(b"a model"))


def test_another_model_of_the_same_size_is_refused() -> None:
    frame = zstandard.ZstdCompressor().compress(b"model 1")
    with pytest.raises(IntegrityError, match="SHA-256 differs"):
        ModelReader().read(frame, 7, sha256_hex(b"model 2"))
