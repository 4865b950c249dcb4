"""A model is read from memory, a file or a folder, or its fault is named."""

from __future__ import annotations

import io
import os
import tarfile
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import ConfigError, FormatError, ModelType, SourceModel, models_in_folder

if TYPE_CHECKING:
    from pathlib import Path

TYPE = ModelType.parse("scikit-learn/skops")


def test_an_empty_file_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "a.skops").touch()
    (model,) = models_in_folder(tmp_path, TYPE)
    with pytest.raises(FormatError, match=r"a.skops: 0 bytes; a model has 1 byte to 4 GiB"):
        model.read()


def test_a_file_that_has_gone_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.skops").write_bytes(b"a model")
    (listed,) = models_in_folder(tmp_path, TYPE)
    (tmp_path / "a.skops").unlink()
    for read in (listed.read, SourceModel("a", tmp_path / "a.skops").size):
        with pytest.raises(ConfigError, match=r"a.skops: cannot be read: No such file"):
            read()


@pytest.mark.parametrize("now", [b"", b"a mod", b"a model of more bytes than were listed"])
def test_a_file_that_has_changed_since_it_was_listed_is_read_as_it_is_now(now: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.skops").write_bytes(b"a model")
    (listed,) = models_in_folder(tmp_path, TYPE)
    (tmp_path / "a.skops").write_bytes(now)
    if now:
        assert listed.read() == now
    else:
        with pytest.raises(FormatError, match=r"a.skops: 0 bytes"):
            listed.read()


def test_a_file_that_has_become_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.skops").write_bytes(b"a model")
    (listed,) = models_in_folder(tmp_path, TYPE)
    (tmp_path / "a.skops").unlink()
    (tmp_path / "a.skops").mkdir()
    with pytest.raises(ConfigError, match=r"a.skops: cannot be read: Is a directory"):
        listed.read()


def test_a_model_in_memory_is_its_bytes() -> None:
    model = SourceModel("line-1", b"a model")
    assert (model.read(), model.size(), model.origin) == (b"a model", 7, "model line-1")
    with pytest.raises(FormatError, match="model line-2: 0 bytes; a model has 1 byte to 4 GiB"):
        SourceModel("line-2", b"").read()


def saved_model(folder: Path, names: tuple[str, ...], time: int) -> SourceModel:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"bytes of {name}".encode())
        path.chmod(0o600 + time % 2 * 0o40)
        os.utime(path, (time, time))
    (folder / "assets").mkdir(exist_ok=True)
    return SourceModel("line-1", folder)


def test_a_folder_is_the_same_model_whenever_it_was_written(tmp_path: Path) -> None:
    names = ("saved_model.pb", "variables/variables.index", "variables/variables.data-0")
    first = saved_model(tmp_path / "first", names, time=1)
    second = saved_model(tmp_path / "second", names[::-1], time=2)
    assert first.read() == second.read()
    with tarfile.open(fileobj=io.BytesIO(first.read())) as archive:
        assert archive.getnames() == ["assets", "saved_model.pb", "variables", *sorted(names[1:])]
        assert {(member.mtime, member.uid, member.uname) for member in archive} == {(0, 0, "")}
        assert {member.name for member in archive if member.isdir()} == {"assets", "variables"}
        content = archive.extractfile("saved_model.pb")
        assert content
        assert content.read() == b"bytes of saved_model.pb"


@pytest.mark.parametrize(
    ("name", "message"),
    [("link", "link: is a link or a device; a model holds files and folders"), ("n" * 200, "shorter name")],
)
def test_a_folder_that_no_archive_can_hold_is_told(name: str, message: str, tmp_path: Path) -> None:
    if name == "link":
        (tmp_path / name).symlink_to(__file__)
    else:
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(FormatError, match=message) as caught:
        SourceModel("line-1", tmp_path).read()
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_file_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "variables").mkdir()
    with pytest.raises(FormatError, match="holds no file"):
        SourceModel("line-1", tmp_path).read()
