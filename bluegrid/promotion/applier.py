"""What a promotion changes things by: the registry's files, and Pulumi."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bluegrid.project import runner
from bluegrid_registry import switch, unify_live

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bluegrid.project import Stack, Target


class Applier(Protocol):
    """By what a promotion does what it decides."""

    @property
    def registry(self) -> Path:
        """The folder of registry files."""

    def declare(self, service: str, cluster: str, region: str) -> None:
        """Declare in YAML that a cluster is live in a region.

        Raises:
            BluegridError: YAML was not changed.
        """

    def declare_back(self, service: str, cluster: str, region: str, instead_of: str) -> None:
        """Declare in YAML that a cluster is live again in a region, in place of another one.

        Raises:
            BluegridError: YAML was not changed.
        """

    def declare_failed(self, service: str, live: str, region: str) -> None:
        """Declare in YAML what is live in a region that did not go back."""

    def unify_live(self, service: str, regions: Iterable[str]) -> None:
        """Declare what is live by one ID in YAML, if it is the same in all these regions."""

    def up(self, target: Target, stack: Stack, *, at_once: bool = False) -> None:
        """Make it so.

        Args:
            target: what is touched.
            stack: where.
            at_once: whether the route waits for no pods of a cluster that takes over.

        Raises:
            BluegridError: it is not, or not proven.
        """


@dataclass(frozen=True)
class LocalApplier:
    """Files that are edited in place, and `pulumi up`."""

    registry: Path

    def declare(self, service: str, cluster: str, region: str) -> None:
        """Write it."""
        switch(self.registry, service, cluster, region)

    def declare_back(self, service: str, cluster: str, region: str, instead_of: str) -> None:  # noqa: ARG002
        """Write it."""
        self.declare(service, cluster, region)

    def declare_failed(self, service: str, live: str, region: str) -> None:
        """Write it."""
        self.declare(service, live, region)

    def unify_live(self, service: str, regions: Iterable[str]) -> None:
        """Write it."""
        unify_live(self.registry, service, regions)

    def up(self, target: Target, stack: Stack, *, at_once: bool = False) -> None:
        """Run it."""
        runner.up(target, stack.name, stack.file, at_once=at_once)
