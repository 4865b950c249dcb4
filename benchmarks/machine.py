"""Describes the machine of a measurement."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path


def machine() -> str:
    """Return system, cores and memory as text."""
    cpu = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = f" ({cpu[1]})" if cpu else ""
    return (
        f"{platform.system()} {platform.release()}, {os.cpu_count()} cores{model}, {memory:.0f} GiB, shared"
    )
