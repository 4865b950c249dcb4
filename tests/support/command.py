"""`bluegrid` as a user runs it: the installed command in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

BLUEGRID = Path(sys.executable).with_name("bluegrid")


def bluegrid(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BLUEGRID, *arguments], env=os.environ | environment, capture_output=True, text=True, check=False
    )
