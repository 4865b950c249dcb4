"""Where an image comes from, as labels: https://github.com/opencontainers/image-spec, annotations.md."""

from __future__ import annotations

import subprocess
import tomllib
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tools.image.environment import of_programs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tools.image.base import Base
    from tools.image.families import Family


def version_of(checkout: Path) -> str:
    """The version of bluegrid."""
    return str(tomllib.loads((checkout / "pyproject.toml").read_text())["project"]["version"])


def labels(checkout: Path, family: Family, base: Base) -> Mapping[str, str]:
    """Return the labels of an image that is built now.

    Args:
        checkout: of the sources; what is not a clone, or has changes, names no revision.
        family: of frameworks.
        base: what it is built on.
    """
    found = {
        "title": family.image,
        "description": f"bluegrid's model server with {family.name}",
        "version": version_of(checkout),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "licenses": "Apache-2.0",
        "revision": "" if _git(checkout, "status", "--porcelain") else _git(checkout, "rev-parse", "HEAD"),
        "source": _public(_git(checkout, "remote", "get-url", "origin")),
        # Of an image that was made here, the name is this machine's.
        "base.name": "" if base.archive else base.reference,
    }
    return {f"org.opencontainers.image.{name}": value for name, value in found.items() if value}


def _git(checkout: Path, *arguments: str) -> str:
    # Without GIT_DIR and the like: a hook of another repository sets them.
    done = subprocess.run(
        ["git", "-C", checkout, *arguments], env=of_programs(), capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def _public(url: str) -> str:
    """Return the URL of a repository without a user or a password; nothing of a folder."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts.netloc else ""
