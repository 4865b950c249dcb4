"""Chooses the base image.

In this order: the image that the caller names; the official Python image, if its registry answers; an image
made of Debian packages.
"""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bluegrid.image import cache, debian
from bluegrid.image.keys import key_of

if TYPE_CHECKING:
    from bluegrid.image.buildah import Buildah
    from bluegrid.image.commands import Progress
    from bluegrid.image.families import Family

_ON_DISK = ("dir", "docker-archive", "oci", "oci-archive")
"""Transports of image references that are followed by a path."""

CONTAINERFILE = Path(__file__).with_name("Containerfile")


@dataclass(frozen=True)
class Base:
    """A base image.

    Attributes:
        reference: where buildah finds it.
        archive: the file to make, if the base is one of Debian packages.
    """

    reference: str
    archive: Path | None = None


def candidates(named: str | None, family: Family) -> tuple[Base, ...]:
    """Return the bases to try for a family, best first; the official Python image has no Java."""
    if named is not None:
        return (Base(_absolute(named)),)
    suite = debian.suite(family.python)
    key = key_of([suite, platform.machine()], [Path(debian.__file__).parent])
    archive = cache.folder() / f"{'java' if family.has_java else 'debian'}-{suite}-{key}.tar"
    made = Base(f"oci-archive:{archive}", archive)
    return (made,) if family.has_java else (Base(_official()), made)


def obtain(named: str | None, family: Family, buildah: Buildah, work: Path, progress: Progress) -> Base:
    """Choose a base for a family; make the base of Debian packages if it is chosen and not cached."""
    *others, last = candidates(named, family)
    for base in others:
        progress(f"asking for {base.reference}")
        if buildah.reaches(base.reference):
            return base
    if last.archive is not None and not last.archive.exists():
        suite = debian.suite(family.python)
        progress(f"making a base of Debian {suite} packages, usually 30 s")
        debian.build(buildah, work, last.archive, suite, has_java=family.has_java)
        cache.keep(last.archive)
    return last


def _absolute(named: str) -> str:
    """Return a reference with an absolute path, because buildah runs in another folder."""
    transport, separator, path = named.partition(":")
    return f"{transport}:{Path(path).absolute()}" if separator and transport in _ON_DISK else named


def _official() -> str:
    found = re.search(r"^ARG BASE=(\S+)$", CONTAINERFILE.read_text(), re.MULTILINE)
    if found is None:
        raise ValueError(f"{CONTAINERFILE}: no ARG BASE=")
    return found.group(1)
