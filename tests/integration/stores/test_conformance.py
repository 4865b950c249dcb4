"""The behaviour of every store: one suite for all kinds."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import (
    Checksum,
    ChecksumAlgorithm,
    ConfigError,
    IntegrityError,
    ObjectExists,
    ObjectMissing,
    Store,
    StoreError,
    StoreUnreachable,
    open_store,
)
from bluegrid_registry.stores.base import ALL
from tests.integration.stores.conftest import ACCESS_KEY, SECRET_KEY
from tests.integration.stores.faults import Without
from tests.integration.stores.servers import TAKEN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.stores.faulty_proxy import FaultyProxy

KEY = "sets/g1/packs/ab/abc.mpk"


@pytest.fixture(params=["file", "s3", "s3 that verifies nothing", "s3 without ranges", *TAKEN])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Give every kind of store; bluegrid compensates for missing guarantees of a server."""
    if request.param == "file":
        (tmp_path / "store").mkdir()
        return open_store(f"file://{tmp_path}/store")
    if request.param in TAKEN:
        return open_store(request.getfixturevalue("url_on")(request.param))
    if request.param == "s3":
        return open_store(request.getfixturevalue("s3_place").url)
    lacks = ("range",) if "ranges" in request.param else ("x-amz-checksum", "content-md5")
    proxy: FaultyProxy = request.getfixturevalue("proxy")
    proxy.forget(Without(lacks, (ACCESS_KEY, SECRET_KEY)))
    wired: Store = open_store(request.getfixturevalue("wired_url"))
    ranges = "range" not in lacks
    assert wired.probe() == replace(ALL, ranges=ranges, verifies_checksums=not ranges)
    return wired


def test_what_was_put_is_got(store: Store) -> None:
    data = bytes(range(256)) * 1000
    store.put(KEY, data, Checksum.of(data))
    assert store.get(KEY) == data


def test_a_second_put_replaces_the_first(store: Store) -> None:
    for data in (b"first", b"second one"):
        store.put(KEY, data, Checksum.of(data))
    assert store.get(KEY) == b"second one"


def test_a_range_is_a_part_of_the_object(store: Store) -> None:
    store.put(KEY, b"0123456789", Checksum.of(b"0123456789"))
    assert store.get_range(KEY, 3, 4) == b"3456"


def test_a_range_ends_where_the_object_ends(store: Store) -> None:
    store.put(KEY, b"0123456789", Checksum.of(b"0123456789"))
    assert store.get_range(KEY, 8, 100) == b"89"
    assert store.get_range(KEY, 10, 1) == b""


def test_a_copy_has_the_bytes_of_its_source(store: Store) -> None:
    store.put(KEY, b"0123456789", Checksum.of(b"0123456789"))
    for _ in range(2):  # the second time, the copy is there
        store.copy(KEY, "sets/g1/manifests/abc.models.mpk")
    assert store.get("sets/g1/manifests/abc.models.mpk") == b"0123456789"
    with pytest.raises(ObjectMissing):
        store.copy("sets/g1/packs/no/no.mpk", "sets/g1/manifests/no.models.mpk")
    store.delete(KEY)
    assert store.get("sets/g1/manifests/abc.models.mpk") == b"0123456789"


def test_a_copy_replaces_what_has_its_key(store: Store) -> None:
    copy = "sets/g1/manifests/abc.models.mpk"
    store.put(KEY, b"0123456789", Checksum.of(b"0123456789"))
    store.put(copy, b"other", Checksum.of(b"other"))
    store.copy(KEY, copy)
    assert store.get(copy) == b"0123456789"


def test_a_missing_object_is_told(store: Store) -> None:
    store.put("sets/other", b"x", Checksum.of(b"x"))
    with pytest.raises(ObjectMissing, match=KEY):
        store.get(KEY)
    with pytest.raises(ObjectMissing, match=KEY):
        store.get_range(KEY, 0, 1)


def test_a_wrong_checksum_is_refused_and_nothing_becomes_visible(store: Store) -> None:
    with pytest.raises(IntegrityError, match=KEY):
        store.put(KEY, b"the bytes that arrive", Checksum.of(b"the bytes that were meant"))
    with pytest.raises(ObjectMissing):
        store.get(KEY)


def test_a_refused_put_leaves_the_old_object(store: Store) -> None:
    store.put(KEY, b"old", Checksum.of(b"old"))
    with pytest.raises(IntegrityError):
        store.put(KEY, b"new", Checksum.of(b"other"))
    assert store.get(KEY) == b"old"


def test_what_is_put_once_stays(store: Store) -> None:
    store.put_once(KEY, b"first")
    with pytest.raises(ObjectExists, match=KEY):
        store.put_once(KEY, b"second")
    assert store.get(KEY) == b"first"


@pytest.mark.parametrize("algorithm", ChecksumAlgorithm)
def test_every_algorithm_guards_what_is_put(algorithm: ChecksumAlgorithm, store: Store) -> None:
    store.put(KEY, b"right", Checksum.of(b"right", algorithm))
    store.put_once("sets/once", b"right", Checksum.of(b"right", algorithm))
    for key in ("sets/other", "sets/others"):
        put = store.put if key == "sets/other" else store.put_once
        with pytest.raises(IntegrityError, match=key):
            put(key, b"right", Checksum.of(b"wrong", algorithm))
        with pytest.raises(ObjectMissing):
            store.get(key)
    assert store.get(KEY) == store.get("sets/once") == b"right"


def test_what_is_put_is_listed_with_size_and_time(store: Store) -> None:
    for key in ("sets/g1/a", "sets/g1/b/c", "sets/g10/a", "sets/g2"):
        store.put_once(key, key.encode())
    assert [(found.key, found.size) for found in store.keys("sets/g1/")] == [
        ("sets/g1/a", 9),
        ("sets/g1/b/c", 11),
    ]
    assert [found.key for found in store.keys("sets/g1")] == ["sets/g1/a", "sets/g1/b/c", "sets/g10/a"]
    assert [found.key for found in store.keys("sets/g1/b/c")] == ["sets/g1/b/c"]
    assert list(store.keys("sets/g3/")) == []
    age = datetime.now(UTC) - next(store.keys("sets/g1/")).modified
    assert timedelta(seconds=-2) < age < timedelta(minutes=1)


def test_what_is_deleted_is_gone_and_may_be_written_again(store: Store) -> None:
    store.put_once(KEY, b"x")
    store.delete(KEY)
    store.delete(KEY)
    with pytest.raises(ObjectMissing):
        store.get(KEY)
    store.put_once(KEY, b"y")
    assert store.get(KEY) == b"y"


def test_of_many_writers_of_one_key_exactly_one_wins(store: Store) -> None:
    writers = 8
    start = threading.Barrier(writers)

    def write(number: int) -> bool:
        start.wait()
        try:
            store.put_once(KEY, f"writer {number}".encode())
        except ObjectExists:
            return False
        return True

    with ThreadPoolExecutor(writers) as pool:
        won = list(pool.map(write, range(writers)))
    assert won.count(True) == 1
    assert store.get(KEY) == f"writer {won.index(True)}".encode()


def test_a_refused_write_leaves_no_file_behind(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    store = open_store(f"file://{tmp_path}/store")
    store.put_once(KEY, b"first")
    with pytest.raises(ObjectExists):
        store.put_once(KEY, b"second")
    with pytest.raises(IntegrityError):
        store.put(KEY, b"x", Checksum.of(b"y"))
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == [tmp_path / "store" / KEY]


@pytest.mark.parametrize(
    "url",
    [
        "models",
        "http://host/models",
        "file://host/folder",
        "file:///",
        "s3://",
        "s3:///prefix",
        "s3://models/prefix?endpont=http://host",
    ],
)
def test_an_address_of_no_store_is_refused_in_one_line(url: str) -> None:
    with pytest.raises(ConfigError, match="file:///folder or s3://bucket") as caught:
        open_store(url)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_there_is_told_and_not_made(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}/unmounted")
    for act in (lambda: store.get(KEY), lambda: store.put_once(KEY, b"x")):
        with pytest.raises(StoreUnreachable, match="unmounted: no such folder; create it, or mount it"):
            act()
    assert not (tmp_path / "unmounted").exists()


def test_a_key_never_leaves_the_folder(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    store = open_store(f"file://{tmp_path}/store")
    for key in ("../outside", "/outside/mark", "sets/../../outside"):
        with pytest.raises(StoreError, match="leads out of the store"):
            store.put(key, b"x", Checksum.of(b"x"))
    assert not (tmp_path / "outside").exists()
