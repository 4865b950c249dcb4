"""The common data of rollouts: the set, the version, the stacks and their applier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bluegrid.operations import Namespace
from bluegrid.promotion import Bake
from bluegrid.updates.jobs.update import RolloutStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bluegrid.project import Stack
    from bluegrid.updates.rollouts.failures import RolloutFailed
    from bluegrid.updates.rollouts.git_applier import GitApplier
    from bluegrid.updates.rollouts.progress import RolloutProgress
    from bluegrid_registry import RegistryFile, Service
    from bluegrid_registry.registry_files.update_policy import RolloutPolicy


class RolloutStrategy(Protocol):
    """A way to bring a version online. Every step can be repeated, even after a crash."""

    def run(self) -> None:
        """Bring the version online, and watch it.

        Raises:
            HeldBack: the version stays on standby.
            RolloutFailed: the version is not online; what was live before is live.
            NotBack: the version is still live somewhere.
        """

    def go_back_again(self) -> RolloutFailed:
        """Resume rolling back, and return the error to raise."""


@dataclass(frozen=True)
class RolloutContext:
    """The version that a rollout brings online, and its stacks.

    Attributes:
        file: file of the set, with the version.
        service: service of the set.
        version: ID of the version.
        policy: rollout policy of the set.
        applier: changes the registry and the stacks.
        stacks: the stacks that have the service, in order.
        progress: records each step.
    """

    file: RegistryFile
    service: Service
    version: str
    policy: RolloutPolicy
    applier: GitApplier
    stacks: Sequence[Stack]
    progress: RolloutProgress

    def up(self, stack: Stack, *clusters: str) -> None:
        """Have Pulumi update clusters of the service."""
        self.applier.stacks.up_clusters(stack, self.service.name, clusters)

    def bake(self, stack: Stack, cluster: str, max_share: float) -> None:
        """Watch the requests to a cluster in a region.

        Args:
            stack: stack of the region.
            cluster: the cluster.
            max_share: largest fraction of requests that may fail, from 0 to 1.

        Raises:
            BluegridError: more requests failed, or the update was cancelled.
        """
        self.progress.step(RolloutStep.BAKING.of(stack.region))
        seconds = self.policy.bake_seconds
        bake = Bake(namespace_of(stack), self.service.name, cluster, seconds, max_share)
        bake.watch(self.progress.bake)

    def fault(self, error: object) -> str:
        """Return the message for an error after which the version is not online."""
        return f"{self.version} is not online: {error}"


def namespace_of(stack: Stack) -> Namespace:
    """Return the namespace in which a stack runs."""
    return Namespace.connect(stack.context, stack.namespace, stack.kubeconfig)
