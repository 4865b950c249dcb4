"""Removes files that never run in a pod."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def trim(folder: Path, patterns: Iterable[str], keep: frozenset[str] = frozenset()) -> None:
    """Remove files and folders that match `patterns`, except those whose name is in `keep`."""
    for pattern in patterns:
        for path in list(folder.glob(pattern)):
            if path.name in keep:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                # The file may have been in a folder that is removed already.
                path.unlink(missing_ok=True)
