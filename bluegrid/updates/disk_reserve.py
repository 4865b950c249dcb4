"""Reserves disk space for rollbacks, which must work on a full disk too."""

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
"""Error numbers of a write to a full disk."""
RESERVE_BYTES = 16 * 2**20
"""Size of the reserve: enough for a copy of the registry, a commit and the database."""

log = structlog.get_logger()


@dataclass(frozen=True)
class DiskReserve:
    """A file that occupies the reserved space.

    Attributes:
        file: path of the file.
    """

    file: Path

    def keep(self) -> None:
        """Create the file, unless it exists or little space is free."""
        if not self.file.exists() and shutil.disk_usage(self.file.parent).free > 4 * RESERVE_BYTES:
            # The server works without the reserve.
            with suppress(OSError), self.file.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)

    def release(self) -> bool:
        """Delete the file; return False if it did not exist."""
        try:
            self.file.unlink()
        except OSError:
            return False
        log.warning("the disk is full; the room kept for a way back is used", file=str(self.file))
        return True
