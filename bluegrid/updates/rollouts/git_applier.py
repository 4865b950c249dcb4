"""By what a promotion of the server's changes things."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bluegrid_registry import switch, unify_live

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bluegrid.project import Stack, Target
    from bluegrid.updates.registry.registry_editor import RegistryEditor
    from bluegrid.updates.rollouts.stacks import Stacks


@dataclass(frozen=True)
class GitApplier:
    """Commits, and the server's stacks; as `promotion.Applier` wants it."""

    declaring: RegistryEditor
    stacks: Stacks
    waits_for_git: bool = True
    """Whether a cluster becomes live only once that is committed; a way back never waits."""

    @property
    def registry(self) -> Path:
        """The folder of registry files."""
        return self.declaring.source.registry

    def declare(self, service: str, cluster: str, region: str) -> None:
        """Commit it."""
        now = self.declaring.source.valid().registry.service(service).live_in(region)
        if now == cluster:
            return
        if not self.waits_for_git:
            self.declaring.go_back(service, cluster, region, now)
            return
        edit = partial(switch, service=service, cluster_id=cluster, region=region)
        self.declaring.change(f"{service}: {cluster} is live in {region}", edit)

    def declare_back(self, service: str, cluster: str, region: str, instead_of: str) -> None:
        """Commit it, as soon as git answers."""
        self.declaring.go_back(service, cluster, region, instead_of)

    def declare_failed(self, service: str, live: str, region: str) -> None:
        """Let YAML say what is wanted: it is tried again until that is so."""

    def unify_live(self, service: str, regions: Iterable[str]) -> None:
        """Commit it."""
        edit = partial(unify_live, service=service, regions=[*regions])
        self.declaring.change(f"{service}: the same cluster is live everywhere", edit)

    def up(self, target: Target, stack: Stack, *, at_once: bool = False) -> None:
        """Have Pulumi do it."""
        urns = target.urns(self.stacks.project, stack.name)
        self.stacks.up(stack, urns, routes=target.routes, at_once=at_once)
