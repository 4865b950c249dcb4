"""An image's labels name the revision of the checkout."""

from __future__ import annotations

from importlib.metadata import version

from bluegrid.image import FAMILIES
from bluegrid.image.base import Base
from bluegrid.image.origin import labels

REVISION = "org.opencontainers.image.revision"


def test_an_installed_bluegrid_names_no_revision_and_its_version() -> None:
    found = labels(None, next(iter(FAMILIES.values())), Base("base"))
    assert REVISION not in found
    assert found["org.opencontainers.image.version"] == version("bluegrid")
