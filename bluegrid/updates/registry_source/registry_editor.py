"""Edits the registry; each edit is a pushed commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bluegrid.updates.registry_source.git import PushRejected
from bluegrid.updates.registry_source.uncommitted import LaterEdit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bluegrid.updates.registry_source.source import RegistrySource

ATTEMPTS = 5
"""Attempts for an edit, while others push."""


@dataclass(frozen=True)
class RegistryEditor:
    """Edits the registry for an author.

    Attributes:
        source: the registry.
        author: of the commits.
        reason: the last line of every commit's message.
    """

    source: RegistrySource
    author: str
    reason: str

    def change(self, what: str, edit: Callable[[Path], object]) -> str | None:
        """Edit the current registry, and push the change; return the commit, if there is one.

        Args:
            what: the commit's first line.
            edit: edits the files in a folder; may be called again.

        Raises:
            PushRejected: others pushed first each time, or a rule refuses the push; nothing has changed.
            BluegridError: the edit is not valid.
        """
        message = f"{what}\n\n{self.reason}"
        for attempt in range(1, ATTEMPTS + 1):
            with self.source.changing():
                edit(self.source.registry)
                try:
                    return self.source.publish(message, self.author)
                except PushRejected:
                    if attempt == ATTEMPTS:
                        raise
        raise AssertionError("the last attempt returns or raises")

    def go_back(self, service: str, cluster: str, region: str, instead_of: str) -> None:
        """Make a cluster live again in a region; if git does not answer, commit the edit later."""
        self._later("live", service, region, cluster, instead_of, f"{service}: {cluster} is live in {region}")

    def serve_again(self, service: str, cluster: str, version: str, instead_of: str) -> None:
        """Have a cluster serve its earlier version again; if git does not answer, commit the edit later."""
        self._later(
            "version", service, cluster, version, instead_of, f"{service}: {cluster} serves {version}"
        )

    def _later(
        self,
        what: Literal["live", "version"],
        service: str,
        key: str,
        value: str,
        instead_of: str,
        subject: str,
    ) -> None:
        self.source.later(
            LaterEdit(
                what=what,
                service=service,
                key=key,
                value=value,
                instead_of=(instead_of,),
                author=self.author,
                message=f"{subject}\n\n{self.reason}",
            )
        )
