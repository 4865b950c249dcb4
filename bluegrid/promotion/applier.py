"""Appliers: how a promotion changes the registry's files and runs Pulumi."""

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
    """Applies the decisions of a promotion."""

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
        """Declare in YAML what is live in a region that could not be switched back."""

    def unify_live(self, service: str, regions: Iterable[str]) -> None:
        """Declare one live ID for all regions in YAML, if it is the same in all of these."""

    def up(self, target: Target, stack: Stack, *, at_once: bool = False) -> None:
        """Apply YAML to a stack.

        Args:
            target: the resources to update.
            stack: the stack to update.
            at_once: whether the route does not wait for pods of a cluster that takes over.

        Raises:
            BluegridError: the update failed, or is not proven.
        """


@dataclass(frozen=True)
class LocalApplier:
    """Edits files in place, and runs `pulumi up`."""

    registry: Path

    def declare(self, service: str, cluster: str, region: str) -> None:
        """Write the live cluster to YAML."""
        switch(self.registry, service, cluster, region)

    def declare_back(self, service: str, cluster: str, region: str, instead_of: str) -> None:  # noqa: ARG002
        """Write the live cluster to YAML."""
        self.declare(service, cluster, region)

    def declare_failed(self, service: str, live: str, region: str) -> None:
        """Write the live cluster to YAML."""
        self.declare(service, live, region)

    def unify_live(self, service: str, regions: Iterable[str]) -> None:
        """Write one live ID to YAML."""
        unify_live(self.registry, service, regions)

    def up(self, target: Target, stack: Stack, *, at_once: bool = False) -> None:
        """Run `pulumi up`."""
        runner.up(target, stack, at_once=at_once)
