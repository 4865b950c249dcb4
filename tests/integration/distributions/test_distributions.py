"""The wheels and sdists of a release, as an index would take them."""

from __future__ import annotations

import email
import os
import subprocess
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from bluegrid import cache
from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from email.message import Message
    from pathlib import Path

PACKAGES = ("bluegrid", "bluegrid_components", "bluegrid_openstef", "bluegrid_registry", "bluegrid_server")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `tools/release/distributions` fills; twine has accepted the files."""
    folder = tmp_path_factory.mktemp("dist")
    environment = {"UV_CACHE_DIR": str(cache.root() / "uv")} | os.environ
    done = subprocess.run(
        ["tools/release/distributions", folder],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2 * len(PACKAGES)
    return folder


def wheel(built: Path, package: str) -> zipfile.ZipFile:
    (path,) = built.glob(f"{package}-[0-9]*.whl")
    return zipfile.ZipFile(path)


def metadata(archive: zipfile.ZipFile) -> Message:
    (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
    return email.message_from_bytes(archive.read(name))


@pytest.mark.parametrize("package", PACKAGES)
def test_a_wheel_says_what_it_is(built: Path, package: str) -> None:
    with wheel(built, package) as archive:
        found = metadata(archive)
        names = archive.namelist()
    assert found["Description-Content-Type"] == "text/markdown"
    assert found.get_payload()
    assert len(found.get_all("Project-URL", [])) >= 5
    assert found["License-Expression"] == "Apache-2.0"
    assert f"{package}/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_description_has_no_link_that_leads_nowhere_on_an_index(built: Path, package: str) -> None:
    with wheel(built, package) as archive:
        text = str(metadata(archive).get_payload())
    links = [link.partition(")")[0] for link in text.split("](")[1:]]
    assert [link for link in links if not link.startswith("https://")] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_wheel_holds_the_modules_of_the_checkout_and_no_others(built: Path, package: str) -> None:
    (folder,) = [*CHECKOUT.glob(f"{package}/py.typed"), *CHECKOUT.glob(f"*/{package}/py.typed")]
    root = folder.parent.parent
    modules = {path.relative_to(root).as_posix() for path in folder.parent.rglob("*.py")}
    with wheel(built, package) as archive:
        found = {name for name in archive.namelist() if name.endswith(".py")}
    assert found == modules


def test_the_sdist_of_the_command_has_neither_tests_nor_other_packages(built: Path) -> None:
    (path,) = built.glob("bluegrid-[0-9]*.tar.gz")
    with tarfile.open(path) as archive:
        names = {"/".join(name.split("/")[1:2]) for name in archive.getnames()}
        modules = [name for name in archive.getnames() if name.endswith(".py")]
    assert not {"tests", "docs", "benchmarks", "tools"} & names
    assert modules
    assert [name for name in modules if "/bluegrid/" not in name] == []
