"""Fetches that leave out the files of models that their caller needs no file of."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import IntegrityError, fetch, push
from tests.unit.bluegrid_registry.pushes import TYPE
from tests.unit.bluegrid_registry.recorded import ROWS, models

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_registry import Store


def test_a_model_that_is_not_kept_is_passed_on_verified_and_leaves_no_file(
    store: Store, tmp_path: Path
) -> None:
    report = push(store, "g1", "v1", models((ROWS,), (), (ROWS,)), model_type=TYPE)
    seen: dict[str, bytes] = {}

    def keeps(sha256: str, data: bytes) -> bool:
        seen[sha256] = data
        return sha256 == min(seen)

    kept = fetch(store, "g1", "v1", report.manifest, tmp_path / "all")
    rows = kept.manifest.models
    fetched = fetch(store, "g1", "v1", report.manifest, tmp_path / "some", keeps=keeps)
    assert all(hashlib.sha256(data).hexdigest() == sha256 for sha256, data in seen.items())
    assert {*seen} == {row.sha256 for row in rows}
    assert {uid: [*examples] for uid, examples in fetched.examples.items()} == {
        uid: [*examples] for uid, examples in kept.examples.items()
    }
    written = {path.stem for path in (tmp_path / "some").rglob("*.skops")}
    assert written < {*seen}
    assert fetch(store, "g1", "v1", report.manifest, tmp_path / "some").report.already_there == len(
        [row for row in rows if row.sha256 in written]
    )


def test_a_damaged_model_is_passed_on_to_nobody(store: Store, tmp_path: Path) -> None:
    report = push(store, "g1", "v1", models((ROWS,), (), (ROWS,)), model_type=TYPE)
    pack = max((tmp_path / "store").rglob("*.mpk"), key=lambda path: path.stat().st_size)
    damaged = bytearray(pack.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    pack.write_bytes(damaged)
    seen: list[str] = []

    def keeps(sha256: str, data: bytes) -> bool:
        seen.append(hashlib.sha256(data).hexdigest())
        assert seen[-1] == sha256
        return False

    with pytest.raises(IntegrityError):
        fetch(store, "g1", "v1", report.manifest, tmp_path / "into", keeps=keeps)
