"""Makes one OCI archive of base, packages and source, named by a key of all of them."""

from __future__ import annotations

import json
import shutil
import tarfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from bluegrid.image import cache, environment, origin, packages, plugins, sbom, source
from bluegrid.image.base import CONTAINERFILE, candidates, obtain
from bluegrid.image.buildah import Buildah
from bluegrid.image.commands import Commands, Progress
from bluegrid.image.errors import ImageError
from bluegrid.image.families import DEFAULT, FAMILIES
from bluegrid.image.keys import key_of, sources

if TYPE_CHECKING:
    from bluegrid.image.base import Base
    from bluegrid.image.families import Family


@dataclass(frozen=True)
class Image:
    """The image of a serving pod.

    Attributes:
        name: such as `localhost/bluegrid-server`.
        key: hash of everything that the image is made of; also its tag.
        archive: the OCI archive.
    """

    name: str
    key: str
    archive: Path

    @property
    def sbom(self) -> Path:
        """The CycloneDX file beside the archive that lists its contents; the image has a copy."""
        return self.archive.with_suffix(".cdx.json")

    @property
    def tagged(self) -> str:
        """The reference by tag, as the archive names it."""
        return f"{self.name}:{self.key}"

    @property
    def digest(self) -> str:
        """The digest of its manifest, from the archive's index; a registry keeps it."""
        with tarfile.open(self.archive) as archive:
            (manifest,) = json.load(cast("IO[bytes]", archive.extractfile("index.json")))["manifests"]
        return str(manifest["digest"])

    @property
    def pinned(self) -> str:
        """The reference by digest, for a stack's settings."""
        return f"{self.name}@{self.digest}"


def build(progress: Progress, family: Family = FAMILIES[DEFAULT], base: str | None = None) -> Image:
    """Build a family's image, in about two minutes; return in seconds if it exists.

    Args:
        progress: called with a line for each step.
        family: the frameworks that the image has.
        base: the image to build on; default: the official Python image, or an image of Debian packages.

    Raises:
        ImageError: the image cannot be built.
    """
    with cache.work(lambda: progress("waiting for another build")) as (work, lock):
        log = cache.folder() / "build.log"
        log.unlink(missing_ok=True)
        commands = Commands(log, lock, work, {**environment.of_programs(), "TMPDIR": str(work)})
        locked = packages.requirements(commands, family)
        for candidate in candidates(base, family):
            image = image_of(candidate, locked, family)
            if image.archive.exists():
                image.archive.touch()
                return image
        buildah = Buildah(commands, work / "storage")
        chosen = obtain(base, family, buildah, work, progress)
        image = image_of(chosen, locked, family)
        _build(buildah, chosen, locked, work, image, family, progress)
        cache.keep(image.archive)
        return image


def kept() -> bool:
    """Return whether an image has been built before; the next build then takes less time."""
    return any(cache.folder().glob("bluegrid-server-*.tar"))


def image_of(base: Base, locked: str, family: Family) -> Image:
    """Return the image of a family on a base, whether it is built or not.

    Args:
        base: the image to build on.
        locked: the exact versions and hashes of the packages, see `packages.requirements`.
        family: the frameworks of the image.
    """
    names, folders = [base.reference, locked, *family.extras], [*source.packages(), Path(__file__).parent]
    if family.plugin is not None:
        project, package = plugins.identity(family.plugin)
        names.append(project)
        folders.append(package)
    key = key_of(names, folders)
    return Image(f"localhost/{family.image}", key, cache.folder() / f"{family.image}-{key}.tar")


def _build(
    buildah: Buildah, base: Base, locked: str, work: Path, image: Image, family: Family, progress: Progress
) -> None:
    context = work / "context"
    python = python_of(buildah, base, family)
    progress(f"installing packages for Python {python}, usually 20 s")
    packages.install(buildah.commands, locked, python, context / "packages")
    if family.plugin is not None:
        plugins.install(buildah.commands, family.plugin, context / "packages")
    for package in source.packages():
        for path in sources(package):
            copy = context / "source" / path.relative_to(package.parent)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)
    listed = sbom.document(
        image.name,
        image.key,
        version("bluegrid"),
        *buildah.debian_of(base.reference),
        context / "packages",
    )
    (context / "sbom.cdx.json").write_text(listed)
    progress("building the image, usually 60 s")
    labels = origin.labels(source.checkout(), family, base)
    built = buildah.build(
        CONTAINERFILE,
        context,
        labels,
        BASE=base.reference,
        EXTRAS=",".join(family.extras),
        MODULES=family.plugin.imports if family.plugin else "",
    )
    progress("writing its archive, usually 20 s")
    image.sbom.write_text(listed)
    buildah.save(built, image.tagged, image.archive)
    progress(f"{image.tagged}: {image.archive.stat().st_size / 1e6:.0f} MB")


def python_of(buildah: Buildah, base: Base, family: Family) -> str:
    """Return the version of a base's Python, such as 3.13; ImageError if the family needs a later one."""
    python = buildah.python_of(base.reference)
    if tuple(map(int, python.split("."))) < family.python:
        oldest = ".".join(map(str, family.python))
        raise ImageError(
            f"{base.reference} has Python {python}, and the packages of {family.name} need {oldest} or later;"
            " name another base with --base-image"
        )
    return python
