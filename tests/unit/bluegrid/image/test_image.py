"""The image's key, the files left out of the image, and the remains of a killed build."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import bluegrid_registry
from bluegrid.image import DEFAULT, FAMILIES, ImageError, cache, family_of, packages
from bluegrid.image.base import CONTAINERFILE, candidates
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
        assert [base.reference for base in candidates(named)] == [reference]
