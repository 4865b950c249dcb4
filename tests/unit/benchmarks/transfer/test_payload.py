from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING

import pytest

from benchmarks.transfer.payload import random_models
from bluegrid_registry import IntegrityError, ModelType, models_in_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_random_models_are_real_skops_files_of_the_size_that_cannot_be_compressed(tmp_path: Path) -> None:
    import skops.io

    payload = random_models(tmp_path / "models", 5, 20_000)
    contents = [path.read_bytes() for path in sorted(payload.folder.iterdir())]
    assert [len(each) for each in contents] == [20_000] * 5
    assert len(zlib.compress(b"".join(contents), 9)) > 0.98 * 100_000
    assert len(skops.io.load(io.BytesIO(contents[0]))) > 19_000
    assert len(models_in_folder(payload.folder, ModelType.parse("scikit-learn/skops"))) == 5


def test_the_same_seed_makes_the_same_models(tmp_path: Path) -> None:
    assert random_models(tmp_path / "a", 3, 2_000).sha256s == random_models(tmp_path / "b", 3, 2_000).sha256s


def test_bytes_of_another_model_are_refused(tmp_path: Path) -> None:
    payload = random_models(tmp_path / "models", 2, 2_000)
    first, second = payload.sha256s
    payload.check(first, (payload.folder / first).read_bytes())
    with pytest.raises(IntegrityError, match=first):
        payload.check(first, (payload.folder / second).read_bytes())
