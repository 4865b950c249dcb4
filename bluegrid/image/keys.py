"""Keys of the cache: an archive is reused only if everything that it was built from is unchanged."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def key_of(names: Iterable[str], folders: Iterable[Path]) -> str:
    """Return twelve hexadecimal digits of a hash over `names` and the sources in `folders`."""
    digest = hashlib.sha256()
    parts = [name.encode() for name in names]
    for folder in folders:
        for path in sources(folder):
            parts += [str(path.relative_to(folder)).encode(), path.read_bytes()]
    for part in parts:
        digest.update(f"{len(part)}\n".encode() + part)
    return digest.hexdigest()[:12]


def sources(folder: Path) -> list[Path]:
    """Return the source files of a package, without generated files."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in (".py", ".toml", ".html", ".typed") or path.name == "Containerfile"
    )
