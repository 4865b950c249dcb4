"""Copies of packs: a fetch of a small version needs one round trip, and nothing depends on a copy."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import (
    Checksum,
    SourceModel,
    StoreError,
    TransferConfig,
    collect_garbage,
    fetch,
    fetch_bytes,
    open_store,
    push,
    read_commit,
    verify,
)
from bluegrid_registry.formats import layout
from tests.support.skops_files import skops_file
from tests.support.stores import DiesAtWrite, Killed, Recording, Through, copies, delete_copies, flipped
from tests.unit.bluegrid_registry.pushes import TYPE, models, use, version
from tests.unit.bluegrid_registry.recorded import ROWS, day_ahead, published

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_registry import PushReport, Store

ONE_ROUND_TRIP = 3
"""Requests of a fetch into memory: the commit, the manifest, and the copy of the models' pack."""


def pushed(store: Store, version_id: str = "v1", count: int = 5) -> PushReport:
    return push(store, "g1", version_id, models(count), model_type=TYPE)


def fetched(store: Store, report: PushReport) -> dict[str, bytes]:
    return dict(fetch_bytes(store, "g1", report.version, report.manifest))


def expected(count: int = 5) -> dict[str, bytes]:
    return {model.uid: model.read() for model in models(count)}


def rewrite(store: Store, key: str, data: bytes) -> None:
    """Replace an object; in a folder, a copy and its pack are one file until then."""
    store.delete(key)
    store.put(key, data, Checksum.of(data))


def test_a_small_version_is_fetched_in_one_round_trip(store: Store) -> None:
    report = pushed(store)
    together = threading.Barrier(ONE_ROUND_TRIP, timeout=60)

    class Together(Recording):
        def get(self, key: str) -> bytes:
            together.wait()
            return super().get(key)

        def get_range(self, key: str, offset: int, length: int) -> bytes:
            together.wait()
            return super().get_range(key, offset, length)

    counted = Together(store)
    assert fetched(counted, report) == expected()
    assert Counter(counted.requests) == {"get versions": 1, "get manifests": 1, "get_range manifests": 1}


def test_a_version_with_examples_is_fetched_into_files_in_one_round_trip(
    store: Store, tmp_path: Path
) -> None:
    report = published(store, (day_ahead(),), (ROWS,))
    counted = Recording(store)
    found = fetch(counted, "g1", "v1", report.manifest, tmp_path / "into")
    assert dict(found.examples) == {"line-0": (day_ahead(),), "line-1": (ROWS,)}
    assert Counter(counted.requests) == {"get versions": 1, "get manifests": 1, "get_range manifests": 2}


def test_a_push_makes_the_copies_beside_its_commit_and_sends_no_byte_twice(store: Store) -> None:
    counted = Recording(store)
    report = pushed(counted)
    assert counted.count("put") == {"packs": 1, "manifests": 1}
    assert counted.count("copy") == {"packs": 1}
    (copy,) = copies(store, "g1")
    assert copy == layout.early_pack_key("g1", report.manifest, "models")


@pytest.mark.parametrize("change", ["missing", "flipped", "truncated", "emptied", "lengthened", "another"])
def test_a_wrong_copy_is_not_used_and_the_pack_is_fetched(change: str, store: Store, tmp_path: Path) -> None:
    report = pushed(store)
    (copy,) = copies(store, "g1")
    data = store.get(copy)
    changed = {
        "flipped": flipped(data, len(data) // 2),
        "truncated": data[:-7],
        "emptied": b"",
        "lengthened": data + b"more",
        "another": b"".join(model.read() for model in models(5, seed=2)),
    }
    if change == "missing":
        store.delete(copy)
    else:
        rewrite(store, copy, changed[change])
    found = fetch(store, "g1", "v1", report.manifest, tmp_path / "into")
    assert {uid: path.read_bytes() for uid, path in found.paths.items()} == expected()
    assert bool(found.report.refetched) is (change != "missing")


def test_a_version_whose_pack_is_damaged_or_lost_is_fetched_from_the_copy(store: Store) -> None:
    report = pushed(store)
    (pack,) = [each.key for each in store.keys(layout.packs_prefix("g1"))]
    rewrite(store, pack, flipped(store.get(pack), 40))
    assert fetched(store, report) == expected()
    store.delete(pack)
    assert fetched(store, report) == expected()


class Refuses(Through):
    """A server without copies, or an account that may not make or read them."""

    def copy(self, source: str, target: str) -> None:
        raise StoreError(f"{self.url}: {target}: refused (NotImplemented): {source}")

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        if "/manifests/" in key:
            raise StoreError(f"{self.url}: {key}: refused (AccessDenied)")
        return super().get_range(key, offset, length)


def test_a_store_that_refuses_copies_is_pushed_to_and_fetched_from(store: Store) -> None:
    report = pushed(Refuses(store))
    assert not copies(store, "g1")
    assert fetched(Refuses(store), report) == expected()


@pytest.mark.parametrize("nth", range(5))
def test_a_push_that_is_killed_at_any_write_can_run_again(nth: int, store: Store) -> None:
    try:
        pushed(DiesAtWrite(store, nth))
    except Killed:
        pass
    else:
        assert nth == 4  # the pack, the manifest, the commit and the copy were written
    report = pushed(store)
    assert fetched(store, report) == expected()
    assert verify(store, "g1", [version(report)]).is_sound


def test_versions_that_are_large_or_share_packs_have_no_copies(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = pushed(store)
    delete_copies(store, "g1")
    push(store, "g1", "v2", models(1, seed=2), model_type=TYPE, base=version(base))
    monkeypatch.setattr("bluegrid_registry.transfer.early_packs.MAX_EARLY_BYTES", 1000)
    large = pushed(store, "v3")
    monkeypatch.undo()
    use(monkeypatch, TransferConfig(pack_bytes=4000))
    two_packs = pushed(store, "v4")
    assert not copies(store, "g1")
    assert fetched(store, large) == fetched(store, two_packs) == expected()


def test_a_fetch_of_some_models_or_of_what_is_there_requests_no_copies(store: Store, tmp_path: Path) -> None:
    report = pushed(store)
    fetch(store, "g1", "v1", report.manifest, tmp_path / "into")
    counted = Recording(store)
    fetch(counted, "g1", "v1", report.manifest, tmp_path / "into")
    fetch(counted, "g1", "v1", report.manifest, tmp_path / "cached", cache=tmp_path / "cache")
    fetch_bytes(counted, "g1", "v1", report.manifest, only=["line-001"])
    assert "get_range manifests" not in counted.requests


def test_damaged_copies_are_found_and_replaced_from_the_packs_of_a_good_store(
    store: Store, tmp_path: Path
) -> None:
    report = published(store, (day_ahead(),), (ROWS,))
    (tmp_path / "good").mkdir()
    good = open_store((tmp_path / "good").as_uri())
    published(Refuses(good), (day_ahead(),), (ROWS,))
    sound = {key: store.get(key) for key in copies(store, "g1")}
    for key, data in sound.items():
        rewrite(store, key, flipped(data, len(data) // 2))
    found = verify(store, "g1", [version(report)])
    assert set(found.damaged) == set(sound)
    assert not found.is_sound
    assert not found.extra
    healed = verify(store, "g1", [version(report)], source=good)
    assert healed.is_sound
    assert {key: store.get(key) for key in copies(store, "g1")} == sound


def test_a_repeated_push_replaces_damaged_copies(store: Store) -> None:
    report = pushed(store)
    (copy,) = copies(store, "g1")
    rewrite(store, copy, flipped(store.get(copy), 50))
    assert not verify(store, "g1", [version(report)]).is_sound
    pushed(store)
    assert verify(store, "g1", [version(report)]).is_sound


def test_copies_stay_as_long_as_their_version(store: Store) -> None:
    report = pushed(store)
    there = copies(store, "g1")
    (pack,) = store.keys(layout.packs_prefix("g1"))
    later = pack.modified + timedelta(days=100)
    collect_garbage(store, "g1", apply=True, now=later)
    assert copies(store, "g1") == there
    store.delete(layout.version_key("g1", read_commit(store, "g1", report.version).version))
    assert set(there) < set(collect_garbage(store, "g1", apply=True, now=later).deleted)
    assert not list(store.keys("sets/g1/"))


def test_one_pack_of_known_size_needs_no_list(store: Store, tmp_path: Path) -> None:
    from bluegrid_registry import models_in_folder

    (tmp_path / "models").mkdir()
    for number in range(3):
        (tmp_path / "models" / f"line-{number}.skops").write_bytes(skops_file(f"model {number}"))
    counted = Recording(store)
    push(counted, "g1", "v1", models_in_folder(tmp_path / "models", TYPE), model_type=TYPE)
    assert "keys packs" not in counted.requests
    push(counted, "g1", "v2", [SourceModel("line-0", b"new")], model_type=TYPE)
    assert "keys packs" in counted.requests
