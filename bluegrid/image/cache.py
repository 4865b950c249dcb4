"""The cache of images, outside of every checkout.

${XDG_CACHE_HOME:-~/.cache}/bluegrid/images/
    bluegrid-server-<key>.tar   OCI archives; the newest few
    bluegrid-server-<key>.cdx.json   the contents of each
    debian-bookworm-<key>.tar   a base of Debian packages, an OCI archive too
    work/                       files of the running build; deleted afterwards
    build.log                   the output of the last build's programs
    lock                        held while an image is built
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bluegrid import cache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_MAX_ARCHIVES = 2
"""Number of archives to keep of each kind: two, so that a user can switch between two checkouts."""


def folder() -> Path:
    """Return the folder of all images."""
    return cache.root() / "images"


@contextmanager
def work(waiting: Callable[[], None]) -> Iterator[tuple[Path, int]]:
    """Hold the lock, and yield an empty folder that is deleted afterwards.

    Args:
        waiting: called once if another build holds the lock.

    Yields:
        The folder, and the lock's descriptor. A program that inherits the descriptor holds the lock even if
        this process is killed, so that the next build does not delete the folder while the program runs.
    """
    with cache.locked(folder() / "lock", waiting) as lock:
        path = folder() / "work"
        # A build that was killed leaves its folder.
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        # uv searches upwards for settings; the first file ends its search.
        (path / "uv.toml").touch()
        try:
            yield path, lock
        finally:
            shutil.rmtree(path, ignore_errors=True)


def keep(archive: Path) -> None:
    """Remove archives that are older than the newest few of `archive`'s kind."""
    kind = archive.name.rpartition("-")[0]
    archives = sorted(folder().glob(f"{kind}-*.tar"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in archives[_MAX_ARCHIVES:]:
        path.unlink()
        path.with_suffix(".cdx.json").unlink(missing_ok=True)
