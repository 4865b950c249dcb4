"""Builds the image of a serving pod: `bluegrid image build [FAMILY]`.

    build.py        base + packages + source -> one OCI archive, kept under a key of all of them
    families.py     which frameworks an image has
    source.py       the packages and the lock file that an image is built from
    base.py         the base image: a named one, the official one, or one made of Debian packages
    debian/         the base of Debian packages: Python, its libraries, and nothing to run but Python
    environment.py  what programs see of the environment
    sbom.py         what is in an image
    origin.py       where it comes from: its labels
    packages.py     the locked dependencies, without what never runs in a pod
    buildah.py      buildah with a storage of its own
    cache.py        where images are kept
    commands.py     runs programs; tells failures on one line

Nothing is left in the system's own container storage, and nothing but the archives stays.
"""

from __future__ import annotations

from bluegrid.image.build import Image, build, kept
from bluegrid.image.errors import ImageError
from bluegrid.image.families import DEFAULT, FAMILIES, Family, family_of

__all__ = ["DEFAULT", "FAMILIES", "Family", "Image", "ImageError", "build", "family_of", "kept"]
