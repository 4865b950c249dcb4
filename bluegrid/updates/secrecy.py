"""Hides the server's environment, with the credentials of the store, from programs that the server runs.

A process can read the environment of another process of the same user in `/proc`. To prevent this, the server
becomes a process that only root can inspect, and overwrites the memory that the kernel shows as its
environment. Root can still read the memory of any process.
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
        # `fields` begins with the third field.
        start, end = int(fields[_ENV_START - 3]), int(fields[_ENV_END - 3])
        if 0 < start < end:
            for name, value in os.environ.items():
                # Copied to other memory first: libraries may read the environment later.
                os.putenv(name, value)
            ctypes.memset(start, 0, end - start)
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
