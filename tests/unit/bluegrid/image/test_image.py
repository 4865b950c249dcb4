"""The image's key, the files left out of the image, and the remains of a killed build."""

from __future__ import annotations

import os
import platform
import re
import shutil
from pathlib import Path

import pytest

import bluegrid_registry
from bluegrid.image import (
    DEFAULT,
    FAMILIES,
    Family,
    ImageError,
    cache,
    debian,
    family_of,
    packages,
    plugins,
    source,
)
from bluegrid.image.base import CONTAINERFILE, Base, candidates
from bluegrid.image.build import image_of, python_of
from bluegrid.image.buildah import Buildah
from bluegrid.image.commands import Commands
from bluegrid.image.families import Plugin
from bluegrid.image.keys import key_of, sources
from bluegrid.image.trim import trim
from bluegrid_registry.model_types.model_type import BUILT_IN
from bluegrid_server.frameworks.supported import FRAMEWORKS


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "bluegrid" / "images"


def test_a_key_changes_with_base_and_source_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "serve.py").write_text("a")
    key = key_of(["base"], [tmp_path])
    (tmp_path / "serve.pyc").write_text("compiled")
    assert key_of(["base"], [tmp_path]) == key
    assert key_of(["other base"], [tmp_path]) != key
    (tmp_path / "serve.py").write_text("b")
    assert key_of(["base"], [tmp_path]) != key


def test_every_file_of_the_registry_goes_into_the_image() -> None:
    folder = Path(bluegrid_registry.__file__).parent
    files = {path for path in folder.rglob("*") if path.is_file() and path.parent.name != "__pycache__"}
    assert set(sources(folder)) == files


def test_what_never_runs_is_left_out(tmp_path: Path) -> None:
    for name in (
        "scipy/linalg/tests/test_a.py",
        "scipy/linalg/blas.py",
        "numpy/core.pyi",
        "data/s3/x",
        "data/ec2/x",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    trim(tmp_path, ["**/tests", "**/*.pyi"])
    trim(tmp_path / "data", ["*/"], keep=frozenset({"s3"}))
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"scipy/linalg/blas.py", "data/s3/x"}


def test_lightgbm_finds_the_openmp_that_scikit_learn_brings(tmp_path: Path) -> None:
    brought = tmp_path / "scikit_learn.libs" / "libgomp-e985bcbb.so.1.0.0"
    brought.parent.mkdir()
    brought.write_bytes(b"OpenMP")
    packages.share_openmp(tmp_path)
    assert not (tmp_path / "openmp").exists()
    (tmp_path / "lightgbm").mkdir()
    packages.share_openmp(tmp_path)
    assert (tmp_path / "openmp" / "libgomp.so.1").read_bytes() == b"OpenMP"
    (folder,) = re.findall(r"LD_LIBRARY_PATH=(\S+)", CONTAINERFILE.read_text())
    assert folder == "/opt/bluegrid/packages/openmp"


def test_a_worker_computes_in_one_thread() -> None:
    said = CONTAINERFILE.read_text()
    for threads in ("OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1"):
        assert threads in said


def test_every_framework_is_in_an_image_and_all_have_every_one() -> None:
    assert set(FAMILIES["all"].extras) == {row.extra for row in FRAMEWORKS.values()} | {"accelerate"}
    assert FAMILIES["spark"].has_java
    assert not FAMILIES[DEFAULT].has_java


def test_the_image_of_each_types_family_has_its_framework() -> None:
    for row in BUILT_IN.values():
        if (framework := FRAMEWORKS.get(row.framework)) is not None:
            assert framework.extra in FAMILIES[row.family].extras


def test_an_unknown_family_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ImageError, match="'torch' is not a family of images; families: scikit-learn, onnx"):
        family_of("torch")


def test_what_a_killed_build_left_is_removed(images: Path) -> None:
    leftover = images / "work" / "storage" / "layer"
    leftover.mkdir(parents=True)
    with cache.work(pytest.fail) as (work, _):
        assert not (work / "storage").exists()
    assert not work.exists()


def test_only_the_newest_archives_of_a_kind_stay(images: Path) -> None:
    images.mkdir(parents=True)
    for age, name in enumerate(("bluegrid-server-a", "bluegrid-server-b", "debian-x", "bluegrid-server-c")):
        path = images / f"{name}.tar"
        path.touch()
        os.utime(path, (1000 - age, 1000 - age))
    cache.keep(images / "bluegrid-server-a.tar")
    assert {path.stem for path in images.iterdir()} == {"bluegrid-server-a", "bluegrid-server-b", "debian-x"}


def test_a_base_in_a_file_is_found_from_where_the_user_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for named, reference in (
        ("oci-archive:base.tar", f"oci-archive:{tmp_path}/base.tar"),
        ("oci-archive:/base.tar:name:tag", "oci-archive:/base.tar:name:tag"),
        ("registry.example.org:5000/python:3.12", "registry.example.org:5000/python:3.12"),
    ):
        assert [base.reference for base in candidates(named, FAMILIES[DEFAULT])] == [reference]


@pytest.mark.parametrize(
    ("host", "python", "release"),
    [
        ({"ID": "debian", "VERSION_CODENAME": "bookworm"}, (3, 11), "bookworm"),
        ({"ID": "debian", "VERSION_CODENAME": "bookworm"}, (3, 12), "trixie"),
        ({"ID": "debian", "VERSION_CODENAME": "trixie"}, (3, 11), "trixie"),
        ({"ID": "debian", "VERSION_CODENAME": "forky"}, (3, 12), "forky"),
        ({"ID": "ubuntu", "VERSION_CODENAME": "noble"}, (3, 11), "bookworm"),
        ({"ID": "ubuntu", "VERSION_CODENAME": "noble"}, (3, 12), "trixie"),
    ],
)
def test_a_base_is_of_this_machines_debian_if_its_python_is_new_enough(
    host: dict[str, str], python: tuple[int, int], release: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: host)
    assert debian.suite(python) == release
    family = Family("tested", (), python=python, has_java=True)
    (base,) = candidates(None, family)
    assert f"/java-{release}-" in base.reference


class OldPython(Buildah):
    """Finds Python 3.11 in every base."""

    def python_of(self, base: str) -> str:
        return "3.11"


def test_a_base_with_too_old_a_python_is_refused(tmp_path: Path) -> None:
    buildah = OldPython(Commands(tmp_path / "log", 0, tmp_path, {}), tmp_path)
    base = Base("registry.example.org/python:3.11")
    assert python_of(buildah, base, FAMILIES[DEFAULT]) == "3.11"
    with pytest.raises(
        ImageError, match=r"python:3\.11 has Python 3\.11, .* of openstef need 3\.12 or later"
    ):
        python_of(buildah, base, FAMILIES["openstef"])


def test_a_plug_in_is_in_the_key_of_its_familys_image(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    family = FAMILIES["openstef"]
    assert family.plugin is not None
    key = image_of(Base("base"), "locked", family).key
    copy = tmp_path / "bluegrid_openstef"
    shutil.copytree(source.plugin_package(family.plugin), copy)
    monkeypatch.setattr(source, "plugin_package", lambda _: copy)
    assert image_of(Base("base"), "locked", family).key == key
    (copy / "plugin.py").write_text("changed")
    assert image_of(Base("base"), "locked", family).key != key


def test_an_installed_plug_in_comes_with_its_entry_points(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed, into = tmp_path / "installed", tmp_path / "packages"
    for name in (
        "mine/__init__.py",
        "mine/__pycache__/__init__.pyc",
        "mine-1.dist-info/entry_points.txt",
        "mine-1.dist-info/METADATA",
    ):
        (installed / name).parent.mkdir(parents=True, exist_ok=True)
        (installed / name).write_text("Name: mine\nVersion: 1\n")
    record = "mine/__init__.py,,\nmine/__pycache__/__init__.pyc,,\nmine-1.dist-info/entry_points.txt,,\n"
    (installed / "mine-1.dist-info" / "RECORD").write_text(f"{record}../bin/mine,,\n")
    monkeypatch.syspath_prepend(str(installed))
    monkeypatch.setattr(source, "checkout", lambda: None)
    plugins.install(Commands(tmp_path / "log", 0, tmp_path, {}), Plugin("mine", "mine", "mine"), into)
    copied = {str(path.relative_to(into)) for path in into.rglob("*") if path.is_file()}
    assert copied == {"mine/__init__.py", "mine-1.dist-info/entry_points.txt"}
