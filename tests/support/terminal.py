"""`bluegrid` on a terminal where somebody answers its question."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from typing import TYPE_CHECKING

from tests.support.command import BLUEGRID

if TYPE_CHECKING:
    from pathlib import Path

_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""Control sequences of a terminal: https://en.wikipedia.org/wiki/ANSI_escape_code#CSI"""


def on_terminal(
    answer: str, *arguments: str | Path, folder: Path | None = None, **environment: str
) -> tuple[int, str]:
    """Run the command on a terminal where somebody types `answer`.

    Returns:
        The exit code, and what is shown, without colours and movements of the cursor.
    """
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [BLUEGRID, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env=os.environ | environment,
    ) as process:
        os.close(theirs)
        os.write(ours, f"{answer}\n".encode())
        shown = b""
        try:
            while piece := os.read(ours, 4096):
                shown += piece
        except OSError:
            # A terminal that the last process has closed.
            pass
        code = process.wait(120)
    os.close(ours)
    return code, _CONTROLS.sub("", shown.decode()).replace("\r\n", "\n")
