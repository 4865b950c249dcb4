"""Folders that lack features of a local disk: without hard links, read-only, missing, with another clock."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from bluegrid.cli.main import app
from bluegrid_registry import (
    BluegridError,
    ModelType,
    ObjectExists,
    StoreError,
    StoreUnreachable,
    open_store,
    push,
)
from bluegrid_registry.files import NoExclusiveCreateError
from tests.integration.stores.versions import check_is_one_line, contents, models, visible_models

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_registry import Store

TYPE = ModelType.parse("scikit-learn/skops")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


@pytest.fixture
def share(folder: Path) -> Store:
    return open_store(f"file://{folder}")


@pytest.fixture(params=[errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP])
def no_links(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let hard links fail as they do on FAT, SMB and FUSE mounts."""

    def link(*_: object) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr("os.link", link)


@pytest.fixture
def no_exclusive_rename(monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(*_: object) -> None:
        raise NoExclusiveCreateError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr("bluegrid_registry.files._rename_new", rename)


def probe(folder: Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["store", "probe", f"file://{folder}"])
    message = str(done.exception) if isinstance(done.exception, BluegridError) else done.stdout
    return done.exit_code, message


@pytest.mark.usefixtures("no_links")
def test_a_folder_without_hard_links_takes_pushes_and_one_of_many_writers_wins(
    share: Store, folder: Path, model_type: ModelType
) -> None:
    assert share.probe().conditional_writes
    push(share, "g1", "v1", models(1), model_type=model_type)
    assert visible_models(share, "v1") == contents(models(1))
    start = threading.Barrier(8)

    def write(number: int) -> bool:
        start.wait()
        try:
            share.put_once("sets/g1/versions/v2.json", b"%d" % number)
        except ObjectExists:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(write, range(8)))
    assert won.count(True) == 1
    assert share.get("sets/g1/versions/v2.json") == b"%d" % won.index(True)
    assert not list(folder.rglob("*.partial"))


@pytest.mark.usefixtures("no_links", "no_exclusive_rename")
def test_a_folder_in_which_two_pushes_could_both_win_takes_none(
    share: Store, folder: Path, model_type: ModelType
) -> None:
    with pytest.raises(
        StoreError, match=r"neither hard links nor RENAME_NOREPLACE, .* use another file"
    ) as message:
        push(share, "g1", "v1", models(1), model_type=model_type)
    check_is_one_line(message.value)
    assert visible_models(share, "v1") is None
    code, said = probe(folder)
    assert (code, "pushes are refused, fetches work" in said) == (1, True)
    assert not list(folder.rglob("*.partial"))


def test_a_folder_that_takes_pushes_says_so_and_is_left_as_it_was(folder: Path) -> None:
    code, said = probe(folder)
    assert (code, "exactly one wins" in said) == (0, True)
    assert list(folder.iterdir()) == []


def test_the_probe_of_a_folder_that_is_absent_or_none_fails(folder: Path) -> None:
    (folder / "file").touch()
    for place, message in (
        (folder / "absent", "no such folder; create it"),
        (folder / "file", "is not a folder"),
    ):
        code, said = probe(place)
        assert code == 1
        assert message in said


def test_the_probe_of_a_read_only_folder_fails(folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("a file system of its own takes root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro,size=64k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"no file system may be mounted here: {mounted.stderr.decode().strip()}")
    try:
        code, said = probe(folder)
        assert code == 1
        assert "Read-only file system" in said
        # Its list is still read.
        assert list(open_store(f"file://{folder}").keys("")) == []
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_share_that_is_not_mounted_takes_no_push(tmp_path: Path, model_type: ModelType) -> None:
    with pytest.raises(StoreUnreachable, match="no such folder; create it, or mount it"):
        push(open_store(f"file://{tmp_path}/away"), "g1", "v1", models(1), model_type=model_type)


def test_what_killed_writers_left_is_no_object(share: Store, folder: Path) -> None:
    share.put_once("sets/g1/packs/ab/abc.mpk", b"whole")
    (folder / "sets/g1/packs/ab/.abd.mpk.12345678.partial").write_bytes(b"half")
    assert [found.key for found in share.keys("sets/")] == ["sets/g1/packs/ab/abc.mpk"]
    (left,) = share.leftovers("sets/g1/")
    assert (left.key, left.size) == ("sets/g1/packs/ab/.abd.mpk.12345678.partial", 4)
    share.delete(left.key)
    assert list(share.leftovers("sets/")) == []


def test_gc_keeps_what_the_registry_of_the_environment_names(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The working folder has another registry."""
    head = "set: {id: g1, name: n, task: t, type: scikit-learn/skops, source: platform}\n"
    digest = push(open_store(f"file://{folder}"), "g1", "v1", models(1), model_type=TYPE).manifest
    row = f'versions:\n  - {{id: v1, manifest: "{digest}", updated: 2026-11-22T08:00:00Z}}\n'
    for name, versions in (("the registry", row), ("registry", "versions: []\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "g1.yaml").write_text(head + versions)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BLUEGRID_STORE", f"file://{folder}")
    monkeypatch.setenv("BLUEGRID_REGISTRY", str(tmp_path / "the registry"))
    done = CliRunner().invoke(app, ["store", "gc", "--delete"])
    assert (done.exit_code, done.stdout) == (0, "set g1: 1 version kept; 0 objects, 0.0 MB deleted\n")
    named = CliRunner().invoke(app, ["store", "gc", "--registry", "registry"])
    assert "removed, kept until" in named.stdout
