"""Where images are kept, outside of every checkout.

${XDG_CACHE_HOME:-~/.cache}/bluegrid/images/
    bluegrid-server-<key>.tar   OCI archives; the newest few
    bluegrid-server-<key>.cdx.json   what is in each
    debian-<key>.tar            the base of Debian packages, an OCI archive too
    work/                       of the build that runs; deleted after it
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

_KEPT = 2
"""Archives of each kind: two, for those who change between two checkouts."""


def folder() -> Path:
    """Return the folder of all images."""
    return cache.root() / "images"


@contextmanager
def work(waiting: Callable[[], None]) -> Iterator[tuple[Path, int]]:
    """Hold the lock, and yield an empty folder that is deleted afterwards.

    Args:
        waiting: called once if another build holds the lock.

    Yields:
        The folder, and the lock's descriptor. A program that inherits it keeps the lock when this process is
        killed, so that the next build does not pull the folder out from under it.
    """
    with cache.locked(folder() / "lock", waiting) as lock:
        path = folder() / "work"
        # A build that was killed leaves one.
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
    for path in archives[_KEPT:]:
        path.unlink()
        path.with_suffix(".cdx.json").unlink(missing_ok=True)
