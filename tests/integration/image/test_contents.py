"""The contents of a pod's image, as a scanner finds them."""

from __future__ import annotations

import gzip
import json
import tarfile
from email.parser import HeaderParser
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

import pytest

from bluegrid import image as images

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import IO

    from bluegrid.image.build import Image

SHELLS = {
    "ash",
    "bash",
    "busybox",
    "csh",
    "dash",
    "fish",
    "ksh",
    "mksh",
    "rbash",
    "sh",
    "tcsh",
    "toybox",
    "zsh",
}
OTHERS = {"apt", "awk", "curl", "dpkg", "env", "mawk", "perl", "pip", "pip3", "tar", "wget", "xargs"}
"""Programs that would help an intruder; Python itself has to be there."""


class Archive:
    """An OCI archive: https://github.com/opencontainers/image-spec/blob/main/image-layout.md."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        (manifest,) = self.json("index.json")["manifests"]
        document = self._blob(manifest)
        self.labels: Mapping[str, str] = self._blob(document["config"])["config"]["Labels"]
        self._layers = document["layers"]

    def json(self, name: str) -> Any:
        return json.load(self._open(name))

    def files(self) -> dict[str, bytes]:
        """Return every file's path, with the content of those that tests read."""
        found = {}
        for layer in self._layers:
            stream = self._open(self._path(layer))
            with tarfile.open(
                fileobj=gzip.open(stream) if layer["mediaType"].endswith("gzip") else stream
            ) as tar:
                for member in tar:
                    is_read = member.isfile() and member.name.endswith(("dpkg/status", ".cdx.json"))
                    found[member.name] = cast("IO[bytes]", tar.extractfile(member)).read() if is_read else b""
        return found

    def _blob(self, descriptor: Mapping[str, str]) -> Any:
        return self.json(self._path(descriptor))

    @staticmethod
    def _path(descriptor: Mapping[str, str]) -> str:
        return f"blobs/{descriptor['digest'].replace(':', '/')}"

    def _open(self, name: str) -> IO[bytes]:
        return cast("IO[bytes]", self._archive.extractfile(name))


@pytest.fixture(scope="module", params=[images.DEFAULT, "openstef"])
def image(request: pytest.FixtureRequest) -> Image:
    return images.build(lambda _: None, images.family_of(request.param))


@pytest.fixture(scope="module")
def archive(image: Image) -> Iterator[Archive]:
    with tarfile.open(image.archive) as archive:
        yield Archive(archive)


@pytest.fixture(scope="module")
def files(archive: Archive) -> dict[str, bytes]:
    return archive.files()


def debian_packages(files: Mapping[str, bytes]) -> dict[str, str]:
    paragraphs = files["var/lib/dpkg/status"].decode().strip().split("\n\n")
    found = [HeaderParser().parsestr(each) for each in paragraphs]
    assert {each["Status"] for each in found} == {"install ok installed"}
    return {each["Package"]: each["Version"] for each in found}


def test_there_is_nothing_to_run_but_python(files: Mapping[str, bytes]) -> None:
    programs = {PurePosixPath(name).name for name in files if "/bin/" in f"/{name}" or "/sbin/" in f"/{name}"}
    assert not programs & (SHELLS | OTHERS)
    assert "python3" in programs


def test_scanners_find_debians_packages_and_pythons(files: Mapping[str, bytes]) -> None:
    packages = debian_packages(files)
    assert {"libc6", "libssl3", "python3"} <= {name.removesuffix("t64") for name in packages}
    python = {name.split("/")[-2] for name in files if name.endswith(".dist-info/METADATA")}
    assert any(name.startswith("scikit_learn-") for name in python)


def test_the_sbom_lists_the_same_and_stands_beside_the_archive(
    image: Image, files: Mapping[str, bytes]
) -> None:
    document = files["opt/bluegrid/sbom.cdx.json"]
    assert image.sbom.read_bytes() == document
    sbom = json.loads(document)
    assert (sbom["bomFormat"], sbom["metadata"]["component"]["version"]) == ("CycloneDX", image.key)
    listed = {unquote(each["purl"].partition("?")[0]) for each in sbom["components"]}
    for name, version in debian_packages(files).items():
        assert f"pkg:deb/debian/{name}@{version}" in listed
    python = {
        name.split("/")[-2].removesuffix(".dist-info") for name in files if ".dist-info/METADATA" in name
    }
    assert len([purl for purl in listed if purl.startswith("pkg:pypi/")]) == len(python) + 1  # and bluegrid
    assert any(purl.startswith("pkg:pypi/scikit-learn@") for purl in listed)


def test_labels_say_what_it_is_and_where_it_comes_from(image: Image, archive: Archive) -> None:
    prefix = "org.opencontainers.image."
    labels = {
        name.removeprefix(prefix): value for name, value in archive.labels.items() if name.startswith(prefix)
    }
    assert {"title", "description", "version", "created", "licenses"} <= set(labels)
    assert (labels["title"], labels["licenses"]) == (image.name.removeprefix("localhost/"), "Apache-2.0")
    assert not any("/" in labels.get(name, "") for name in ("title", "version", "revision"))
