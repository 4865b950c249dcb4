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
        """Have YAML say that a cluster is live in a region.

        Raises:
            BluegridError: it does not.
        """

    def declare_back(self, service: str, cluster: str, region: str, instead_of: str) -> None:
        """Have YAML say that a cluster is live again in a region, where it says another one.

        Raises:
            BluegridError: it does not.
        """

    def declare_failed(self, service: str, live: str, region: str) -> None:
        """Have YAML say what is live in a region that did not go back."""

    def say_in_one_word(self, service: str, regions: Iterable[str]) -> None:
        """Have YAML say what is live in one word, if it is the same in all these regions."""

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

    def say_in_one_word(self, service: str, regions: Iterable[str]) -> None:
        """Write it."""
        unify_live(self.registry, service, regions)

    def up(self, target: Target, stack: Stack, *, at_once: bool = False) -> None:
        """Run it."""
        runner.up(target, stack.name, stack.file, at_once=at_once)
