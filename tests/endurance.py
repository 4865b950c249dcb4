"""How far the tests go: bounded in every run, at full size in `make endurance`."""

from __future__ import annotations

import os

FULL = os.environ.get("BLUEGRID_ENDURANCE") == "1"


def scale(small: int, full: int) -> int:
    """Return `full` where there is time for it, else `small`."""
    return full if FULL else small
