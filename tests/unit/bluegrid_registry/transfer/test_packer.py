"""Packing: the same models give the same packs, each model is packed once, and memory stays small."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import FormatError, SourceModel
from bluegrid_registry.formats.checksums import sha256_hex
from bluegrid_registry.transfer.config import TransferConfig
from bluegrid_registry.transfer.open_pack import OpenPack
from bluegrid_registry.transfer.packer import Packer
from bluegrid_registry.transfer.sources import read_ahead

if TYPE_CHECKING:
    from collections.abc import Iterable


def pack(
    models: Iterable[SourceModel], packer: Packer | None = None, pack_bytes: int = 2**24
) -> list[OpenPack]:
    config = TransferConfig(pack_bytes=pack_bytes)
    with ThreadPoolExecutor() as readers:
        return list((packer or Packer(config)).packs(read_ahead(models, readers, config)))


def test_a_pack_is_full_at_its_size() -> None:
    filled = OpenPack(TransferConfig(pack_bytes=100))
    filled.add(b"small", sha256_hex(b"small"), "line-1")
    assert not filled.is_full
    filled.add(bytes(range(200)), sha256_hex(bytes(range(200))), "line-1")
    assert filled.is_full


def test_a_pack_is_full_at_its_number_of_models() -> None:
    filled = OpenPack(TransferConfig(pack_models=2))
    for model, full in ((b"one", False), (b"two", True)):
        filled.add(model, sha256_hex(model), "line-1")
        assert filled.is_full is full


@pytest.mark.parametrize(
    ("knob", "value"), [("uploads", 0), ("pack_bytes", 0), ("gap_bytes", -1), ("whole_share", 1.1)]
)
def test_a_knob_out_of_its_limits_is_refused_by_name(knob: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"TransferConfig: {knob} is {value}; give"):
        TransferConfig(**{knob: value})  # type: ignore[arg-type]


def test_a_model_of_many_devices_is_packed_once() -> None:
    models = [SourceModel(f"line-{number:02}", bytes([number % 4]) * 50) for number in range(40)]
    packer = Packer(TransferConfig(pack_bytes=100))
    packs = [filled.seal() for filled in pack(models, packer)]
    assert sum(len(sealed.contents.entries) for sealed in packs) == 4
    assert packer.models_placed == 0
    for sealed in packs:
        packer.place(sealed.contents)
    assert packer.models_placed == 40


def test_the_same_models_make_the_same_packs() -> None:
    models = [SourceModel(f"line-{number:03}", bytes(range(256)) * (1 + number % 7)) for number in range(300)]
    digests = [
        [filled.seal().contents.row.name for filled in pack(models, pack_bytes=3000)] for _ in range(3)
    ]
    assert digests[0] == digests[1] == digests[2]


def test_a_model_larger_than_a_pack_goes_alone() -> None:
    sizes = [10, 2000, 20, 30, 3000]
    models = [SourceModel(f"line-{size:04}", bytes([size % 251]) * size) for size in sizes]
    filled = pack(models, pack_bytes=1000)
    assert [packed.is_large for packed in filled] == [False, True, False, True]
    assert [[entry.raw_length for entry in packed.seal().contents.entries] for packed in filled] == [
        [10],
        [2000],
        [20, 30],
        [3000],
    ]


def test_a_bomb_is_named_by_where_it_comes_from() -> None:
    (filled,) = pack([SourceModel("line-1", bytes(2**24)), SourceModel("line-2", b"sound")])[:1]
    with pytest.raises(
        FormatError, match=r"model line-1: shrinks from 16777216 to \d+ bytes, which no reader"
    ):
        filled.seal()
