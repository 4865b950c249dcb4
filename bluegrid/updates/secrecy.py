"""Hide the environment of the server, which has the credentials of the store, from programs that it runs.

A process of the same user can read the environment of another one in `/proc`. Against that, the server is
made a process that only root can inspect, and the memory that the kernel shows as the environment is
overwritten. Root can read the memory of any process.
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
    """Hide the environment of this process from other processes of the same user."""
    with suppress(OSError, ValueError, IndexError):
        fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        # The first field here is the third.
        start, end = int(fields[_ENV_START - 3]), int(fields[_ENV_END - 3])
        if 0 < start < end:
            for name, value in os.environ.items():
                # Copied to other memory first: libraries may read it later.
                os.putenv(name, value)
            ctypes.memset(start, 0, end - start)
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
