"""Images in podman, of this machine's limits and control groups."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMITS = ("--runtime=runc", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000")
"""Options of `podman run` in place of podman's own choice, which not every machine allows."""


@contextmanager
def loaded(archive: Path) -> Iterator[str]:
    """Load an image into podman; yield its reference, and remove it afterwards."""
    printed = podman("load", "--quiet", "--input", str(archive))
    name = printed.strip().removeprefix("Loaded image: ").removeprefix("Loaded image(s): ")
    try:
        yield name
    finally:
        podman("rmi", "--force", name)


def podman(*arguments: str) -> str:
    """Run podman, which must succeed; return what it printed."""
    done = subprocess.run(["podman", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
