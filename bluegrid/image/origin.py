"""The origin of an image, as labels: https://github.com/opencontainers/image-spec, annotations.md."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bluegrid.image.environment import of_programs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bluegrid.image.base import Base
    from bluegrid.image.families import Family


def labels(checkout: Path | None, family: Family, base: Base) -> Mapping[str, str]:
    """Return the labels of an image that is built now.

    Args:
        checkout: folder of the sources; None if they are installed. A checkout that is not a clone, or has
            changes, has no revision.
        family: the frameworks of the image.
        base: the base image.
    """
    annotations = {
        "title": family.image,
        "description": f"bluegrid's model server with {family.name}",
        "version": version("bluegrid"),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "licenses": "Apache-2.0",
        **(_repository(checkout) if checkout else {}),
        # The name of a base made of Debian packages is valid on this machine only.
        "base.name": "" if base.archive else base.reference,
    }
    return {f"org.opencontainers.image.{name}": value for name, value in annotations.items() if value}


def _repository(checkout: Path) -> Mapping[str, str]:
    has_changes = _git(checkout, "status", "--porcelain")
    return {
        "revision": "" if has_changes else _git(checkout, "rev-parse", "HEAD"),
        "source": _public(_git(checkout, "remote", "get-url", "origin")),
    }


def _git(checkout: Path, *arguments: str) -> str:
    # Without GIT_DIR and similar variables, which a hook of another repository sets.
    done = subprocess.run(
        ["git", "-C", checkout, *arguments], env=of_programs(), capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def _public(url: str) -> str:
    """Return a repository's URL without user and password; empty for a folder."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts.netloc else ""
