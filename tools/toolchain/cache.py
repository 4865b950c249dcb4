"""Where programs are kept, outside of every checkout.

${XDG_CACHE_HOME:-~/.cache}/bluegrid/
    programs/<name>-<version>-<key>/    a program, moved into place whole; `origin` says where it came from
    programs/<key of all>/bin/          links to what one checkout uses: a folder to put first on PATH
    build/                              the compiler's caches, gone once all programs stand
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
    """The folder with one slot a program."""
    return cache.root() / "programs"


def build() -> Path:
    """The folder of the compiler's caches."""
    return cache.root() / "build"


def slot(program: Program, platform: Platform) -> Path:
    """Where a program is kept, whether it is there or not."""
    return programs() / f"{program.name}-{program.version}-{key_of(program, platform)}"


def stands(program: Program, platform: Platform) -> bool:
    """Whether a program is there."""
    return (slot(program, platform) / ORIGIN).is_file()


@contextmanager
def filled(program: Program, platform: Platform) -> Iterator[Path]:
    """A folder to put a program in; it becomes the slot if the block ends well."""
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
    """Take folders away at once and delete them in the background: a compiler's caches take minutes.

    What a deletion that was killed has left goes with the next one. Go's module cache has read-only folders.
    """
    for folder in folders:
        if folder.exists():
            folder.rename(folder.with_name(f"{folder.name}{_DISCARDED}{time.time_ns()}"))
    left = sorted(cache.root().glob(f"*{_DISCARDED}*"))
    if left:
        delete = '(chmod -R u+rwX "$@"; rm -rf "$@") >/dev/null 2>&1 &'
        subprocess.run(["nice", "sh", "-c", delete, "sh", *left], check=True, start_new_session=True)
