"""How a promotion of the server changes the registry and routes: by commits and the server's stacks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bluegrid_registry import switch, unify_live

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bluegrid.project import Stack, Target
    from bluegrid.updates.registry_source.registry_editor import RegistryEditor
    from bluegrid.updates.rollouts.stacks import Stacks


@dataclass(frozen=True)
class GitApplier:
    """The `Applier` of the server.

    Attributes:
        editor: commits and pushes.
        stacks: the stacks that the server may update.
        waits_for_git: whether a cluster becomes live only after the commit; a rollback never waits.
    """

    editor: RegistryEditor
    stacks: Stacks
    waits_for_git: bool = True

    @property
    def registry(self) -> Path:
        """The folder of registry files."""
        return self.editor.source.registry

    def declare(self, service: str, cluster: str, region: str) -> None:
        """Commit that a cluster is live in a region."""
        now = self.editor.source.valid().registry.service(service).live_in(region)
        if now == cluster:
            return
        if not self.waits_for_git:
            self.editor.go_back(service, cluster, region, now)
            return
        edit = partial(switch, service=service, cluster_id=cluster, region=region)
        self.editor.change(f"{service}: {cluster} is live in {region}", edit)

    def declare_back(self, service: str, cluster: str, region: str, instead_of: str) -> None:
        """Commit that a cluster is live again, as soon as git answers."""
        self.editor.go_back(service, cluster, region, instead_of)

    def declare_failed(self, service: str, live: str, region: str) -> None:
        """Do not change YAML: the server keeps trying until the region is back."""

    def unify_live(self, service: str, regions: Iterable[str]) -> None:
        """Commit that one cluster is live everywhere."""
        edit = partial(unify_live, service=service, regions=[*regions])
        self.editor.change(f"{service}: the same cluster is live everywhere", edit)

    def up(self, target: Target, stack: Stack, *, at_once: bool = False) -> None:
        """Have Pulumi update the target."""
        self.stacks.up_target(stack, target, at_once=at_once)
