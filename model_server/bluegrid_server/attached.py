"""`attached`: `serve` for `bluegrid serve`, which shows the progress and removes the models afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_server.processes.worker import end_with_parent
from bluegrid_server.serve import serve

if TYPE_CHECKING:
    from bluegrid_server.settings import Settings


def attached(settings: Settings) -> int:
    """Serve a version until the parent ends, even if it is killed; return the exit code."""
    end_with_parent()
    return serve(settings, after_preflight=False)
