"""The contents of an image as a CycloneDX document: packages of Debian and Python, and bluegrid itself.

Scanners read this document, or find the same packages by themselves: Debian's in var/lib/dpkg/status,
Python's by their `.dist-info` folders. https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import uuid
from email.parser import HeaderParser
from importlib.metadata import PathDistribution
from typing import TYPE_CHECKING

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cyclonedx.model.license import License

_MAX_LICENSE_NAME = 100
"""Maximum length of a license's name, in characters; some packages have the whole text instead."""
_NAMESPACE = uuid.UUID("c1d3a5b0-52b0-4c0c-9c1c-1f2f7f6f4f10")
"""Namespace of the documents' serial numbers: images with the same key have the same number."""


def document(name: str, key: str, version: str, suite: str, status: str, packages: Path) -> str:
    """Return the document, as JSON.

    Args:
        name: the image's name.
        key: the image's key, see `keys.py`.
        version: bluegrid's version.
        suite: the name of the base's system, such as debian-12.
        status: Debian's packages, as dpkg lists them; empty if the base has none.
        packages: the folder of Python's packages.
    """
    bom = Bom(serial_number=uuid.uuid5(_NAMESPACE, f"{name}:{key}"))
    bom.metadata.component = Component(
        name=name, version=key, type=ComponentType.CONTAINER, bom_ref=f"{name}:{key}"
    )
    own = PackageURL("pypi", None, "bluegrid", version)
    bom.components.add(
        Component(
            name="bluegrid", version=version, purl=own, bom_ref=str(own), licenses=_licenses("Apache-2.0")
        )
    )
    bom.components.update(_of_debian(status, suite))
    bom.components.update(_of_python(packages))
    bom.register_dependency(bom.metadata.component, bom.components)
    made: str = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)
    return made


def _of_debian(status: str, suite: str) -> Iterator[Component]:
    for paragraph in filter(str.strip, status.split("\n\n")):
        fields = HeaderParser().parsestr(paragraph.lstrip())
        name, version = str(fields["Package"]), str(fields["Version"])
        of = {"arch": str(fields["Architecture"]), "distro": suite}
        purl = PackageURL("deb", "debian", name, version, of)
        yield Component(name=name, version=version, purl=purl, bom_ref=str(purl))


def _of_python(packages: Path) -> Iterator[Component]:
    for folder in sorted(packages.glob("*.dist-info")):
        metadata = PathDistribution(folder).metadata
        name, version = metadata["Name"], metadata["Version"]
        purl = PackageURL("pypi", None, name.lower(), version)
        fields = ("License-Expression", "License")
        license_text = next((metadata[field] for field in fields if field in metadata), "")
        yield Component(
            name=name, version=version, purl=purl, bom_ref=str(purl), licenses=_licenses(license_text.strip())
        )


def _licenses(text: str) -> list[License]:
    if not text or len(text) > _MAX_LICENSE_NAME:
        return []
    return [LicenseFactory().make_from_string(text)]
