"""Pickles that were compressed as a whole are stored as plain bytes; bombs and damage are refused."""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import lzma
import pickle
import tracemalloc
import zlib
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from bluegrid_registry import FormatError, ModelType
from bluegrid_registry.model_types import compressed
from bluegrid_registry.model_types.compressed import plain
from bluegrid_registry.model_types.pickle_scan import globals_of
from tests.support.samples import SAMPLES, X, Y, joblib_bytes, ridge

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 2**30
WAYS: dict[str, Any] = {
    **{f"compress={level}": level for level in (1, 3, 6, 9)},
    **{name: (name, 3) for name in ("zlib", "gzip", "bz2", "xz", "lzma", "lz4")},
}
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "zlib": zlib.compress,
    "gzip": lambda data: gzip.compress(data, mtime=7),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "lz4": lambda data: importlib.import_module("lz4.frame").compress(data, content_checksum=True),
}


@pytest.mark.served("scikit-learn", "joblib files and pickles that are compressed: stored as plain ones")
@pytest.mark.parametrize("way", WAYS)
def test_a_compressed_pickle_of_joblib_becomes_the_same_model_as_a_plain_one(way: str) -> None:
    model = RandomForestRegressor(3, random_state=0).fit(X, Y)
    written = plain(joblib_bytes(model, compress=WAYS[way]), LIMIT)
    ModelType.parse("scikit-learn/joblib").check(written)
    assert globals_of(written) == globals_of(joblib_bytes(model))
    assert joblib.load(io.BytesIO(written)).predict(X).tolist() == model.predict(X).tolist()
    # Whichever compression it was, there is one form.
    assert written == plain(joblib_bytes(model, compress=5), LIMIT)


@pytest.mark.parametrize("name", COMPRESS)
def test_a_compressed_file_becomes_its_plain_bytes_whatever_its_size(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    piece = 2**14
    monkeypatch.setattr(compressed, "_PIECE_BYTES", piece)
    noise = np.random.default_rng(3).bytes(2 * piece + 5)
    for data in (pickle.dumps(ridge()), noise, b"\0" * piece, b"x" * (3 * piece + 1)):
        assert plain(COMPRESS[name](data), LIMIT) == data


@pytest.mark.parametrize("name", COMPRESS)
def test_a_file_of_several_compressed_parts_and_zeros_is_read_to_its_end(name: str) -> None:
    parts = COMPRESS[name](b"first ") + COMPRESS[name](b"second")
    assert plain(parts, LIMIT) == plain(parts + b"\0" * 8, LIMIT) == b"first second"
    with pytest.raises(FormatError, match=rf"^has 4 bytes after the end of its {name} data; save it again$"):
        plain(COMPRESS[name](b"first") + b"more", LIMIT)


def test_what_lies_behind_a_part_is_hardly_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    fed: list[int] = []
    original = compressed._piece

    def piece(decompressor: Any, data: bytes, name: str) -> bytes:
        fed.append(len(data))
        return original(decompressor, data, name)

    monkeypatch.setattr(compressed, "_piece", piece)
    assert plain(COMPRESS["gzip"](b"x") * 20_000, LIMIT) == b"x" * 20_000
    assert max(fed) == 4096


@pytest.mark.parametrize("name", COMPRESS)
def test_a_file_that_was_cut_off_or_damaged_is_refused(name: str) -> None:
    whole = COMPRESS[name](np.random.default_rng(5).bytes(5000))
    with pytest.raises(FormatError, match=rf"^is cut off: its {name} data have no end; save it again$"):
        plain(whole[:-20], LIMIT)
    damaged = whole[:40] + bytes(byte ^ 0xFF for byte in whole[40:-40]) + whole[-40:]
    with pytest.raises(FormatError, match=rf"^is (damaged|cut off): its {name} data"):
        plain(damaged, LIMIT)
    with pytest.raises(FormatError, match=rf"^is {name} data of nothing"):
        plain(COMPRESS[name](b""), LIMIT)


@pytest.mark.parametrize("name", COMPRESS)
def test_a_file_that_grows_beyond_its_limit_is_refused_in_little_memory(name: str) -> None:
    size = 64 * 2**20
    bomb = COMPRESS[name](b"\0" * size)
    assert len(plain(bomb, size)) == size
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match=f"grow beyond {2**20} bytes; is it a model"):
            plain(bomb, 2**20)
        assert tracemalloc.get_traced_memory()[1] < size / 4
    finally:
        tracemalloc.stop()


def test_a_window_that_takes_more_memory_than_any_preset_is_refused() -> None:
    # The header of the older format says how large the window is, in its bytes 1 to 4.
    data = lzma.compress(b"a model", lzma.FORMAT_ALONE)
    assert plain(data, LIMIT) == b"a model"
    with pytest.raises(FormatError, match=r"^is damaged: its lzma data: Memory usage limit"):
        plain(data[:1] + (2**30).to_bytes(4, "little") + data[5:], LIMIT)


@pytest.mark.parametrize("written", SAMPLES)
def test_what_is_not_compressed_stays_as_it_is(written: str) -> None:
    data = SAMPLES[written]()
    assert plain(data, 1) is data


def test_without_lz4_the_refusal_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    data = COMPRESS["lz4"](b"a model")

    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(
        FormatError, match=r"lz4, which is not installed here: install the package lz4, or save"
    ):
        plain(data, LIMIT)
