"""Builds the image of a serving pod: `bluegrid image build [FAMILY]`.

    build.py        base + packages + source -> one OCI archive, cached under a key of all of them
    families.py     the frameworks of each image
    source.py       the packages and the lock file that an image is built from
    base.py         the base image: named by the caller, official, or made of Debian packages
    debian/         the base of Debian packages: Python, its libraries, and no other program
    environment.py  the environment of the build's programs
    sbom.py         the contents of an image, as a CycloneDX document
    origin.py       where an image comes from: its labels
    packages.py     the locked dependencies, without the files that never run in a pod
    plugins.py      a plug-in of this repository, as its wheel
    buildah.py      buildah with a separate storage
    cache.py        the folder of built images
    commands.py     runs programs; reports failures on one line

Nothing is left in the system's own container storage; only the archives stay.
"""

from __future__ import annotations

from bluegrid.image.build import Image, build, kept
from bluegrid.image.errors import ImageError
from bluegrid.image.families import DEFAULT, FAMILIES, Family, family_of

__all__ = ["DEFAULT", "FAMILIES", "Family", "Image", "ImageError", "build", "family_of", "kept"]
