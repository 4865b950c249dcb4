"""Room on the server's disk that is kept for a way back: a disk that is full must not hold that up."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)
"""What a write to a disk fails with that is full."""
RESERVE_BYTES = 16 * 2**20
"""For a copy of the registry, a commit and the database."""

log = structlog.get_logger()


@dataclass(frozen=True)
class DiskReserve:
    """A file that takes the room."""

    file: Path

    def keep(self) -> None:
        """Take the room, unless that has been done or there is little."""
        if not self.file.exists() and shutil.disk_usage(self.file.parent).free > 4 * RESERVE_BYTES:
            # Without it the server works as well.
            with suppress(OSError), self.file.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)

    def release(self) -> bool:
        """Give the room to others; return whether there was any."""
        try:
            self.file.unlink()
        except OSError:
            return False
        log.warning("the disk is full; the room kept for a way back is used", file=str(self.file))
        return True
