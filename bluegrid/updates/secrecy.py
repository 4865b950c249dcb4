"""The server's environment, with the store's account in it, is not for the programs that it runs.

What runs as the same user may look at another process's environment in `/proc`. Two things are against that:
the process is made one that only root may look into, and the block in which the kernel shows the environment
is emptied. Against root nothing helps: it may read any process's memory.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from pathlib import Path

_PR_SET_DUMPABLE = 4  # linux/prctl.h
_ENV_START, _ENV_END = 50, 51
"""Fields of /proc/PID/stat, counted from 1."""


def hide_environment() -> None:
    """Keep what runs as the same user from reading this process's environment in `/proc`."""
    with suppress(OSError, ValueError, IndexError):
        fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        # The first field here is the third.
        start, end = int(fields[_ENV_START - 3]), int(fields[_ENV_END - 3])
        if 0 < start < end:
            for name, value in os.environ.items():
                # A copy of its own: libraries may ask for it yet.
                os.putenv(name, value)
            ctypes.memset(start, 0, end - start)
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
