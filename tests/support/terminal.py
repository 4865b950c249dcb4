"""`bluegrid` on a terminal where somebody answers its question."""

from __future__ import annotations

import os
import pty
import subprocess
from typing import TYPE_CHECKING

from tests.support.command import BLUEGRID

if TYPE_CHECKING:
    from pathlib import Path


def on_terminal(answer: str, *arguments: str | Path) -> tuple[int, str]:
    """Run the command on a terminal where somebody types `answer`; return its exit code and what is shown."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([BLUEGRID, *arguments], stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        os.write(ours, f"{answer}\n".encode())
        shown = b""
        try:
            while piece := os.read(ours, 4096):
                shown += piece
        except OSError:
            # A terminal that the last process has closed.
            pass
        code = process.wait(60)
    os.close(ours)
    return code, shown.decode().replace("\r\n", "\n")
