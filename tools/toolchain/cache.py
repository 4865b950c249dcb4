"""The cache of programs, outside of every checkout.

${XDG_CACHE_HOME:-~/.cache}/bluegrid/
    programs/<name>-<version>-<key>/    a program, renamed into place; `origin` says where it came from
    programs/<key of all>/bin/          links to the programs of one checkout: a folder to put first on PATH
    build/                              the compiler's caches, deleted when all programs are built
    toolchain.lock                      held while programs are built
"""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bluegrid import cache
from tools.toolchain.keys import key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tools.toolchain.keys import Platform
    from tools.toolchain.programs import Program

ORIGIN = "origin"
_PARTIAL = ".partial-"
_DISCARDED = ".discarded-"


def programs() -> Path:
    """Return the folder with one slot a program."""
    return cache.root() / "programs"


def build() -> Path:
    """Return the folder of the compiler's caches."""
    return cache.root() / "build"


def slot(program: Program, platform: Platform) -> Path:
    """Return where a program is kept, whether it is built or not."""
    return programs() / f"{program.name}-{program.version}-{key_of(program, platform)}"


def is_built(program: Program, platform: Platform) -> bool:
    """Return whether a program is built."""
    return (slot(program, platform) / ORIGIN).is_file()


@contextmanager
def filled(program: Program, platform: Platform) -> Iterator[Path]:
    """Yield a folder to put a program in; it becomes the slot if the block raises nothing."""
    final = slot(program, platform)
    partial = final.with_name(_PARTIAL + final.name)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def locked(waiting: Callable[[], None]) -> Iterator[int]:
    """Hold the lock that keeps two runs from building at once; see `bluegrid.cache.locked`."""
    with cache.locked(cache.root() / "toolchain.lock", waiting) as lock:
        yield lock


def discard(*folders: Path) -> None:
    """Rename folders at once and delete them in the background: a compiler's caches take minutes.

    The next call finishes a deletion that was killed. Go's module cache has read-only folders.
    """
    for folder in folders:
        if folder.exists():
            folder.rename(folder.with_name(f"{folder.name}{_DISCARDED}{time.time_ns()}"))
    discarded = sorted(cache.root().glob(f"*{_DISCARDED}*"))
    if discarded:
        delete = '(chmod -R u+rwX "$@"; rm -rf "$@") >/dev/null 2>&1 &'
        subprocess.run(["nice", "sh", "-c", delete, "sh", *discarded], check=True, start_new_session=True)
