"""Describes the machine of a measurement, and finds room on it."""

from __future__ import annotations

import os
import platform
import re
import shutil
from pathlib import Path

MEMORY_FILES = Path("/dev", "shm")


def machine() -> str:
    """Return system, cores and memory as text."""
    cpu = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = f" ({cpu[1]})" if cpu else ""
    return (
        f"{platform.system()} {platform.release()}, {os.cpu_count()} cores{model}, {memory:.0f} GiB, shared"
    )


def folder_in_memory(room: int) -> Path | None:
    """Return a file system in memory if one has this many bytes free, so that no disk is measured."""
    free = MEMORY_FILES.is_dir() and shutil.disk_usage(MEMORY_FILES).free
    return MEMORY_FILES if free > room else None
