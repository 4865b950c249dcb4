"""A build installs the locked packages, wherever it is run."""

from __future__ import annotations

import hashlib
import zipfile
from typing import TYPE_CHECKING

import pytest

from bluegrid.image import cache, environment, packages
from bluegrid.image.commands import Commands

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OVERRIDE = "override-dependencies = ['marker==2.0']\n"


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Versions 1.0 and 2.0 of a package, which print their version; no other package is available."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for version in ("1.0", "2.0"):
        info = f"marker-{version}.dist-info"
        with zipfile.ZipFile(folder / f"marker-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr("marker.py", f"VERSION = '{version}'\n")
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: marker\nVersion: {version}\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_OFFLINE", "1")
    return folder


def in_pyproject(folder: Path, _: pytest.MonkeyPatch) -> None:
    (folder / "pyproject.toml").write_text(f"[project]\nname='x'\nversion='1'\n[tool.uv]\n{OVERRIDE}")


def in_settings(folder: Path, _: pytest.MonkeyPatch) -> None:
    (folder / "uv.toml").write_text(OVERRIDE)


def no_wheels(folder: Path, _: pytest.MonkeyPatch) -> None:
    (folder / "uv.toml").write_text("no-binary = true\nno-index = true\n")


def in_variables(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "other.txt").write_text("marker==2.0\n")
    monkeypatch.setenv("UV_OVERRIDE", str(folder / "other.txt"))
    monkeypatch.setenv("UV_CONSTRAINT", str(folder / "other.txt"))
    monkeypatch.setenv("UV_NO_BINARY", "1")
    monkeypatch.setenv("UV_PROJECT", str(folder))
    monkeypatch.setenv("PIP_NO_BINARY", ":all:")


@pytest.mark.parametrize("hostile", [in_pyproject, in_settings, no_wheels, in_variables])
def test_what_is_locked_is_installed_whatever_the_folder_and_the_shell_say(
    hostile: Callable[[Path, pytest.MonkeyPatch], None],
    wheels: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uv = packages.uv()
    monkeypatch.setattr(packages, "uv", lambda: uv)
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    # The cache of images may be in a checkout, and its settings above the build's own folder.
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    hostile(folder, monkeypatch)
    digest = hashlib.sha256((wheels / "marker-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    locked = f"marker==1.0 --hash=sha256:{digest}\n"
    with cache.work(lambda: None) as (work, lock):
        commands = Commands(tmp_path / "log", lock, work, environment.of_programs())
        packages.install(commands, locked, "3.12", work / "packages")
        assert (work / "packages" / "marker.py").read_text() == "VERSION = '1.0'\n"
