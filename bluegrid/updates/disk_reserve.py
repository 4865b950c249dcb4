"""Space on the disk of the server that is kept for rolling back, which must work on a full disk too."""

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
"""The errors of a write to a full disk."""
RESERVE_BYTES = 16 * 2**20
"""For a copy of the registry, a commit and the database."""

log = structlog.get_logger()


@dataclass(frozen=True)
class DiskReserve:
    """A file that takes the space.

    Attributes:
        file: its path.
    """

    file: Path

    def keep(self) -> None:
        """Take the space, unless the file is there or little space is left."""
        if not self.file.exists() and shutil.disk_usage(self.file.parent).free > 4 * RESERVE_BYTES:
            # The server works without the reserve.
            with suppress(OSError), self.file.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)

    def release(self) -> bool:
        """Free the space; return False if it was free already."""
        try:
            self.file.unlink()
        except OSError:
            return False
        log.warning("the disk is full; the room kept for a way back is used", file=str(self.file))
        return True
