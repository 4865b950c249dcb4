"""The server's life: live at once, ready when the version is, gone with an exit code that says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_server.threads import compute_in_one_thread

if TYPE_CHECKING:
    from bluegrid_server.settings import Settings

PORT = 12345


def serve(settings: Settings, port: int = PORT) -> int:
    """Serve a version; returns the exit code."""
    compute_in_one_thread()
    from bluegrid_server.processes import fork_server

    forked = fork_server.start(settings)
    # Only now: what HTTP takes is no memory of the fork server's and the workers', and no thread is forked.
    from bluegrid_server.front.server import ModelServer

    return ModelServer(settings, forked, port).run()
