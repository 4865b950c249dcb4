"""`serve`: live at once, ready when the version is loaded; the exit code says why the server ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_server.threads import compute_in_one_thread

if TYPE_CHECKING:
    from bluegrid_server.settings import Settings


def serve(settings: Settings, port: int | None = None, *, after_preflight: bool = True) -> int:
    """Serve a version; return the exit code.

    Args:
        settings: of the server.
        port: in place of the settings' port.
        after_preflight: whether a preflight has proven the version in the same image, as for each cluster.
    """
    if port is not None:
        settings = settings.model_copy(update={"port": port})
    compute_in_one_thread()
    from bluegrid_server.processes import fork_server

    process = fork_server.start(settings, after_preflight=after_preflight)
    # Imported after the fork: fork server and workers hold no memory of HTTP, and no thread is forked.
    from bluegrid_server.front.server import ModelServer

    return ModelServer(settings, process).run()
