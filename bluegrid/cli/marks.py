"""What an update server knows of versions that should not be live, for commands that choose what is.

Marks are the server's (ADR 19), not the registry's: a command knows of them where it is told which server to
ask, by the variables that `bluegrid update` has.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bluegrid.cli import update_client
from bluegrid_registry import BluegridError, Registry

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 5.0
"""For which the server is waited for: whoever switches in an outage has no time."""


def mark_of(registry: Path, service: str, cluster: str) -> str | None:
    """Return why the version of a cluster should not be live, on one line; None: nobody says so.

    Raises:
        RegistryError: there is no such service or cluster.
        BluegridError: an update server is named, and does not tell.
    """
    server, token = (os.environ.get(name) for name in (update_client.SERVER, update_client.TOKEN))
    if not server or not token:
        return None
    file = Registry.load(registry).of_service(service)
    assert file.service is not None  # noqa: S101 - of_service returns no other
    version = file.service.cluster(cluster).version
    path = f"/modelSets/{file.set.id}/versions"
    rows = update_client.ask(server, token, "GET", path, SECONDS)
    bad = next((row["bad"] for row in rows if row["id"] == version), None)
    if bad is None:
        return None
    return f"{version}, which {cluster} serves, is marked bad by {bad['by']} since {bad['at']}: {bad['why']}"


def warning_of(registry: Path, service: str, cluster: str) -> str | None:
    """Return what to warn of before a cluster becomes live, also that nobody knows; None: nothing."""
    try:
        return mark_of(registry, service, cluster)
    except BluegridError as error:
        return f"whether the version of {cluster} is marked bad is not known: {error}"
