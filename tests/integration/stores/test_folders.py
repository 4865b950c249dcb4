"""A model that is a folder is stored as one model, and fetched as the same folder."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import (
    FormatError,
    ModelType,
    Source,
    SourceModel,
    Store,
    fetch,
    models_in_folder,
    push,
    verify_folder,
)
from tests.integration.stores.versions import version

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_registry import PushReport

SAVED_MODEL = ModelType.parse("tensorflow/savedmodel")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(3):
        model = tmp_path / "models" / f"line-{number}.savedmodel"
        (model / "variables").mkdir(parents=True)
        (model / "assets").mkdir()
        (model / "saved_model.pb").write_bytes(b"graph %d" % number)
        (model / "variables" / "variables.index").write_bytes(bytes(range(number, 200)))
    return tmp_path / "models"


@pytest.fixture
def pushed(store: Store, folder: Path) -> PushReport:
    models = models_in_folder(folder, SAVED_MODEL)
    return push(store, "g1", "v1", models, model_type=SAVED_MODEL, source=Source.PLATFORM)


def tree(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def test_folders_come_back_as_they_were(
    store: Store, pushed: PushReport, folder: Path, tmp_path: Path
) -> None:
    fetched = fetch(store, "g1", "v1", pushed.manifest, tmp_path / "into")
    for uid, path in fetched.paths.items():
        assert tree(path) == tree(folder / f"{uid}.savedmodel")
    again = fetch(store, "g1", "v1", pushed.manifest, tmp_path / "into")
    assert again.report.already_there == 3


def test_the_same_folder_is_the_same_model_whenever_it_was_written(
    store: Store, pushed: PushReport, folder: Path
) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes())
            path.chmod(0o600)
    models = models_in_folder(folder, SAVED_MODEL)
    again = push(store, "g1", "v2", models, model_type=SAVED_MODEL, base=version(pushed))
    assert again.sent_models == 0


def test_a_folder_that_has_changed_on_disk_is_fetched_again(
    store: Store, pushed: PushReport, tmp_path: Path
) -> None:
    paths = fetch(store, "g1", "v1", pushed.manifest, tmp_path / "into").paths
    (paths["line-0"] / "saved_model.pb").write_bytes(b"rot")
    (paths["line-1"] / "more").touch()
    (paths["line-2"] / "saved_model.pb").unlink()
    assert verify_folder(store, "g1", version(pushed), tmp_path / "into").damaged == (
        "line-0",
        "line-1",
        "line-2",
    )
    fetched = fetch(store, "g1", "v1", pushed.manifest, tmp_path / "into")
    assert fetched.report.damaged == ("line-0", "line-1", "line-2")
    assert verify_folder(store, "g1", version(pushed), tmp_path / "into").is_sound


def test_folders_come_out_of_a_cache(store: Store, pushed: PushReport, folder: Path, tmp_path: Path) -> None:
    for number in range(2):
        into = tmp_path / f"pod-{number}"
        fetched = fetch(store, "g1", "v1", pushed.manifest, into, cache=tmp_path / "cache")
    assert fetched.report.already_there == 3
    assert tree(fetched.paths["line-2"]) == tree(folder / "line-2.savedmodel")


def test_a_folder_is_made_by_a_python_that_has_no_filters_for_archives(
    store: Store, pushed: PushReport, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Such as Debian 12's Python, which pods may have.
    monkeypatch.delattr(tarfile.TarFile, "extract")
    monkeypatch.delattr(tarfile.TarFile, "extractall")
    fetched = fetch(store, "g1", "v1", pushed.manifest, tmp_path / "into")
    assert tree(fetched.paths["line-2"]) == tree(folder / "line-2.savedmodel")


def hostile(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as writer:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        writer.addfile(info)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        hostile("../outside"),
        hostile("/outside/mark"),
        hostile("variables/../../outside"),
        hostile("."),
        hostile("link", tarfile.SYMTYPE, "/outside/mark"),
        hostile("link", tarfile.LNKTYPE, "../outside"),
        hostile("device", tarfile.CHRTYPE),
        hostile("pipe", tarfile.FIFOTYPE),
        b"no archive at all" * 100,
    ],
)
def test_a_hostile_archive_leaves_nothing_behind(data: bytes, store: Store, tmp_path: Path) -> None:
    models = [SourceModel("line-1", data)]
    report = push(store, "g1", "v1", models, model_type=SAVED_MODEL)
    with pytest.raises(FormatError, match=r"^set g1 version v1: model line-1: "):
        fetch(store, "g1", "v1", report.manifest, tmp_path / "into", cache=tmp_path / "cache")
    assert not list((tmp_path / "into").rglob("*"))
    assert not (tmp_path / "outside").exists()
