"""Stores that are full, read-only or refuse access; invalid names; and very large sets."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import (
    ConfigError,
    SourceModel,
    Store,
    StoreError,
    fetch,
    fetch_bytes,
    open_store,
    push,
    read_manifest,
)
from tests.integration.stores.conftest import BUCKET, Server, running_server
from tests.integration.stores.versions import check_is_one_line, contents, models, version, visible_models
from tests.support.endurance import scale

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bluegrid_registry import ModelType

pytestmark = pytest.mark.usefixtures("patient")


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a separate file system of 512 KiB."""
    if os.geteuid() != 0:
        pytest.skip("a file system of its own takes root")
    path = tmp_path / "disk"
    path.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(path)], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"no file system may be mounted here: {done.stderr.decode().strip()}")
    yield path
    subprocess.run(["umount", "--lazy", str(path)], check=True)


def fill(disk: Path) -> Path:
    """Fill the disk; return the file to delete."""
    path = disk / "filling"
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return path


def large(seed: int) -> list[SourceModel]:
    return [SourceModel(f"line-{seed}-{number}", os.urandom(20_000)) for number in range(5)]


@pytest.mark.parametrize("kind", ["file", "s3"])
def test_a_push_to_a_full_disk_ends_in_one_line_and_loses_nothing(
    kind: str, tiny_disk: Path, model_type: ModelType, request: pytest.FixtureRequest
) -> None:
    (tiny_disk / BUCKET).mkdir()
    if kind == "file":
        store = open_store(f"file://{tiny_disk}/{BUCKET}")
    else:
        server: Server = request.getfixturevalue("tiny_server")
        store = open_store(f"s3://{BUCKET}/pre?endpoint={server.endpoint}")
    first, second = large(1), large(2)
    push(store, "g1", "v1", first, model_type=model_type)
    filling = fill(tiny_disk)
    with pytest.raises(StoreError, match=r"No space left|InternalError|Internal Server Error") as caught:
        push(store, "g1", "v2", second, model_type=model_type)
    check_is_one_line(caught.value)
    assert visible_models(store, "v1") == contents(first)
    assert visible_models(store, "v2") is None
    filling.unlink()
    push(store, "g1", "v2", second, model_type=model_type)
    assert visible_models(store, "v2") == contents(second)
    leftovers = [path for path in tiny_disk.rglob("*.partial") if kind == "file"]
    assert leftovers == []


@pytest.fixture
def tiny_server(tiny_disk: Path) -> Iterator[Server]:
    with running_server(tiny_disk) as server:
        yield server


def test_a_fetch_to_a_full_disk_ends_in_one_line_and_is_made_good(
    tiny_disk: Path, store: Store, model_type: ModelType
) -> None:
    given = large(1)
    report = push(store, "g1", "v1", given, model_type=model_type)
    filling = fill(tiny_disk)
    into = tiny_disk / "into"
    with pytest.raises(
        ConfigError, match=r"cannot be written: No space left on device; check free space"
    ) as caught:
        fetch(store, "g1", "v1", report.manifest, into)
    check_is_one_line(caught.value)
    assert {path.read_bytes() for path in into.rglob("*.skops")} <= {*contents(given).values()}
    filling.unlink()
    paths = fetch(store, "g1", "v1", report.manifest, into).paths
    assert {uid: path.read_bytes() for uid, path in paths.items()} == contents(given)


def test_a_read_only_folder_is_fetched_from_and_takes_no_push(tiny_disk: Path, model_type: ModelType) -> None:
    store = open_store(f"file://{tiny_disk}")
    push(store, "g1", "v1", models(1), model_type=model_type)
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    assert visible_models(store, "v1") == contents(models(1))
    with pytest.raises(StoreError, match="Read-only file system") as caught:
        push(store, "g1", "v2", models(2), model_type=model_type)
    check_is_one_line(caught.value)


def test_a_read_only_server_is_fetched_from_and_takes_no_push(
    s3_server: Server, s3_store: Store, s3_place: tuple[str, Path], model_type: ModelType
) -> None:
    report = push(s3_store, "g1", "v1", models(1), model_type=model_type)
    with running_server(s3_server.root, "--readonly") as server:
        store = open_store(s3_place[0].replace(s3_server.endpoint, server.endpoint))
        assert dict(fetch_bytes(store, "g1", "v1", report.manifest)) == contents(models(1))
        with pytest.raises(StoreError, match=r"refused \(AccessDenied\); check .* their rights") as caught:
            push(store, "g1", "v2", models(2), model_type=model_type)
        check_is_one_line(caught.value)
    assert visible_models(s3_store, "v2") is None


UIDS = [
    "line 17",
    "Leitung Süd-Ost (380 kV)",
    "送電線-42",
    "🗲⚡",
    "a:b*c?d|e<f>g",
    "CON",
    "%2e%2e%2fetc",
    "-x",
    "$(true)",
    "ü" * 200,
    "../../outside",
    "/outside/mark",
    "a/b",
    "a\\b",
    "..",
    ".hidden",
]
NO_UIDS = [
    "",
    "line\n17",
    "line\x00",
    "u\u0308",
    "\u202egnp.exe",
    "x" * 201,
    "x" * 1000,
]


def test_a_uid_may_be_any_name_and_never_names_a_file(
    store: Store, model_type: ModelType, tmp_path: Path
) -> None:
    given = [SourceModel(uid, f"model of {uid}".encode()) for uid in UIDS]
    report = push(store, "g1", "v1", given, model_type=model_type)
    paths = fetch(store, "g1", "v1", report.manifest, tmp_path / "into").paths
    assert {uid: path.read_bytes() for uid, path in paths.items()} == contents(given)
    assert {path.name for path in paths.values()} == {
        f"{row.sha256}.skops" for row in read_manifest(store, "g1", "v1", report.manifest).models
    }


@pytest.mark.parametrize("uid", NO_UIDS, ids=ascii)
def test_a_uid_that_is_no_name_is_refused_before_anything_is_sent(
    uid: str, store: Store, model_type: ModelType
) -> None:
    with pytest.raises(ConfigError, match="choose another UID") as caught:
        push(store, "g1", "v1", [SourceModel(uid, b"model")], model_type=model_type)
    check_is_one_line(caught.value)
    assert list(store.keys("sets/")) == []


def test_a_set_may_be_very_large(store: Store, model_type: ModelType) -> None:
    count = scale(5_000, 100_000)
    source = random.Random(1)
    given = [SourceModel(f"line-{number:06}", source.randbytes(200)) for number in range(count)]
    report = push(store, "g1", "v1", given, model_type=model_type)
    assert (report.models, report.sent_models) == (count, count)
    changed = SourceModel("line-000017", b"retrained")
    update = push(store, "g1", "v2", [changed], model_type=model_type, base=version(report))
    assert (update.models, update.sent_models) == (count, 1)
    fetched = fetch_bytes(store, "g1", "v2", update.manifest)
    assert fetched == contents([*given, changed])
    few = fetch_bytes(store, "g1", "v2", update.manifest, only=["line-00001?"])
    assert few == {f"line-00001{digit}": fetched[f"line-00001{digit}"] for digit in range(10)}
