"""A batch of models, sent as a tar archive, is unpacked into a folder, or refused."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from bluegrid.updates.publishing.uploads import Uploads
from bluegrid_registry import FormatError, sha256_digest

if TYPE_CHECKING:
    from pathlib import Path


def unpacked(folder: Path, *entries: tuple[str, bytes]) -> dict[str, bytes]:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as writer:
        for name, data in entries:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            writer.addfile(info, io.BytesIO(data))
    digest = sha256_digest(buffer.getvalue())
    (folder / digest.removeprefix("sha256:")).write_bytes(buffer.getvalue())
    into = Uploads(folder, max_bytes=2**20).unpack(digest, folder / "into")
    return {
        path.relative_to(into).as_posix(): path.read_bytes() for path in into.rglob("*") if path.is_file()
    }


def test_a_batch_is_unpacked_by_a_python_that_has_no_filters_for_archives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Such as Debian 12's Python.
    monkeypatch.delattr(tarfile.TarFile, "extract")
    monkeypatch.delattr(tarfile.TarFile, "extractall")
    models = ("./line-1.skops", b"one"), ("line-2.savedmodel/saved_model.pb", b"two")
    assert unpacked(tmp_path, *models) == {
        "line-1.skops": b"one",
        "line-2.savedmodel/saved_model.pb": b"two",
    }


def test_an_absolute_name_is_one_in_the_folder(tmp_path: Path) -> None:
    assert unpacked(tmp_path, ("/outside/mark", b"a model")) == {"outside/mark": b"a model"}


@pytest.mark.parametrize("name", ["../outside", "models/../../outside"])
def test_a_name_that_leads_out_of_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="is not a path within a folder"):
        unpacked(tmp_path, (name, b"a model"))
    assert not (tmp_path / "outside").exists()


def test_a_model_that_comes_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"'line-1.skops' comes twice"):
        unpacked(tmp_path, ("line-1.skops", b"one"), ("line-1.skops", b"two"))
