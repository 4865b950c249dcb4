"""A push stores compressed pickles as plain ones: one digest for one model, and few of them in memory."""

from __future__ import annotations

import gzip
import pickle
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import FormatError, ModelType, Source, SourceModel, fetch_bytes, push, read_manifest
from bluegrid_registry.formats.checksums import sha256_hex
from bluegrid_registry.transfer.config import TransferConfig
from bluegrid_registry.transfer.sources import read_ahead
from tests.support.samples import joblib_bytes, ridge

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_registry import PushReport, Store

JOBLIB, PICKLE = ModelType.parse("scikit-learn/joblib"), ModelType.parse("scikit-learn/pickle")


def pushed(store: Store, set_id: str, data: bytes, model_type: ModelType = JOBLIB) -> PushReport:
    models = [SourceModel("line-1", data)]
    return push(store, set_id, "v1", models, model_type=model_type, source=Source.PLATFORM)


def test_the_digest_is_of_the_plain_pickle_in_whichever_way_it_was_compressed(store: Store) -> None:
    plain = pickle.dumps(ridge())
    for set_id, data in {"g1": plain, "g2": gzip.compress(plain), "g3": gzip.compress(plain, 1)}.items():
        report = pushed(store, set_id, data, PICKLE)
        (row,) = read_manifest(store, set_id, "v1", report.manifest).models
        assert (row.sha256, row.raw_length) == (sha256_hex(plain), len(plain))
        assert fetch_bytes(store, set_id, "v1", report.manifest) == {"line-1": plain}


def test_a_model_that_was_compressed_again_is_the_version_that_is_there(store: Store) -> None:
    first = pushed(store, "g1", joblib_bytes(ridge(), compress=3))
    again = pushed(store, "g1", joblib_bytes(ridge(), compress=("xz", 6)))
    assert again.already_there
    assert (again.manifest, again.sent_models) == (first.manifest, 0)


def test_a_damaged_file_is_named(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "line-1.joblib"
    path.write_bytes(joblib_bytes(ridge(), compress=3)[:-9])
    with pytest.raises(FormatError) as caught:
        push(store, "g1", "v1", [SourceModel("line-1", path)], model_type=JOBLIB)
    assert str(caught.value) == f"{path}: is cut off: its zlib data have no end; save it again"


def test_of_models_that_grow_only_a_few_are_in_memory() -> None:
    size, config = 2**20, TransferConfig(pack_bytes=2**20, readers=1)
    models = [SourceModel(f"line-{number:02}", gzip.compress(bytes(size))) for number in range(40)]
    tracemalloc.start()
    try:
        with ThreadPoolExecutor(1) as readers:
            loaded = read_ahead(models, readers, config, JOBLIB.plain)
            assert [(model.uid, len(model.data)) for model in loaded] == [
                (model.uid, size) for model in models
            ]
        assert tracemalloc.get_traced_memory()[1] < 10 * size
    finally:
        tracemalloc.stop()
