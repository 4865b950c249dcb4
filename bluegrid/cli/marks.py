"""Bad marks of versions, for commands that choose the live cluster.

Marks are in the update server (ADR 19), not in the registry: commands read them if the variables
`BLUEGRID_UPDATES` and `BLUEGRID_TOKEN` name a server and a token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid.cli.update_client import server_in_environment
from bluegrid_registry import BluegridError, load_service

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 5.0
"""Limit for the server's response: a switch in an outage must not wait longer."""


def mark_of(registry: Path, service: str, cluster: str) -> str | None:
    """Return why the version of a cluster should not be live, on one line; None: it is not marked.

    Raises:
        RegistryError: there is no such service or cluster.
        BluegridError: an update server is named, and does not answer.
    """
    server = server_in_environment(SECONDS)
    if server is None:
        return None
    file, declared = load_service(registry, service)
    version = declared.cluster(cluster).version
    path = f"/modelSets/{file.set.id}/versions"
    rows = server.call("GET", path)
    bad = next((row["bad"] for row in rows if row["id"] == version), None)
    if bad is None:
        return None
    return f"{version}, which {cluster} serves, is marked bad by {bad['by']} since {bad['at']}: {bad['why']}"


def warning_of(registry: Path, service: str, cluster: str) -> str | None:
    """Return a warning before a cluster becomes live, also if the marks cannot be read; None: no warning."""
    try:
        return mark_of(registry, service, cluster)
    except BluegridError as error:
        return f"whether the version of {cluster} is marked bad is not known: {error}"
