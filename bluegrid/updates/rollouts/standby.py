"""Rolls out with a new cluster: it stays on standby, or is compared, made live and watched."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bluegrid.promotion import Promotion, PromotionStopped, Stage
from bluegrid.updates.jobs.update import RolloutStep
from bluegrid.updates.registry_source.git import GitAway
from bluegrid.updates.rollouts.answer_comparison import require_alike
from bluegrid.updates.rollouts.failures import HeldBack, NotBack, NotGone, RolloutFailed, is_passing
from bluegrid.updates.rollouts.quality import require_quality
from bluegrid_registry import BluegridError, Cluster, Registry, add_cluster, remove_cluster
from bluegrid_registry.registry_files.next_version import next_id
from bluegrid_registry.registry_files.update_policy import RolloutKind

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from bluegrid.promotion import Outcome
    from bluegrid.updates.rollouts.context import RolloutContext
    from bluegrid_registry import Store


class StandbyRollout:
    """Makes a cluster for the version and, if the set wants that, switches to it.

    Args:
        context: of the rollout.
        store: has the versions.
        made: clusters that earlier rollouts made; those without requests are removed for the new cluster.
    """

    def __init__(self, context: RolloutContext, store: Store, made: Collection[str]) -> None:
        self._context, self._store, self._made = context, store, made
        self._service, self._progress = context.service, context.progress
        self._editor = context.applier.editor

    def run(self) -> None:
        """Start the cluster; compare it, switch to it and watch it, if the set wants that.

        Raises:
            HeldBack: the version stays on standby.
            RolloutFailed: the version is not online, and its cluster is gone.
            NotBack: the cluster is still live somewhere.
        """
        cluster = self.start_cluster()
        if self._context.policy.to is RolloutKind.LIVE:
            self._compare(cluster)
            self._go_live(cluster)

    def start_cluster(self) -> str:
        """Start a cluster beside the live one that serves the version; return its ID.

        Raises:
            RolloutFailed: the cluster did not start, and is not declared any more.
        """
        service, version = self._service, self._context.version
        known = next((each for each in service.clusters if each.version == version), None)
        cluster = known or self._next_cluster()
        self._progress.step(RolloutStep.STARTING.of(cluster.id), cluster=cluster.id)
        others = (each.id for each in service.clusters if each.id in self._made and each.id != cluster.id)
        retired = [each for each in others if not self._gets_requests(each)]
        goes = f", {', '.join(retired)} goes" if retired else ""
        if retired or not known:
            self._editor.change(
                f"{service.name}: {cluster.id} serves {version}{goes}",
                partial(_replace, service=service.name, retired=retired, cluster=None if known else cluster),
            )
        try:
            for stack in self._context.stacks:
                self._progress.require_wanted()
                self._context.up(stack, cluster.id, *retired)
        except BluegridError as error:
            raise self._failed(error, cluster.id) from None
        return cluster.id

    def go_back_again(self) -> RolloutFailed:
        """Resume rolling back, and return the error to raise."""
        status = self._progress.status
        if status.cluster is None:
            return RolloutFailed(self._context.fault(status.back or ""))
        return self._failed(status.back or "", status.cluster)

    def _compare(self, cluster: str) -> None:
        self._progress.step(RolloutStep.COMPARING.of(cluster))
        try:
            require_alike(self._context, self._store, cluster)
            if not self._progress.status.before:
                # After a kill during the switch, the decision stands.
                require_quality(self._context, self._store, cluster)
        except HeldBack:
            raise
        except BluegridError as error:
            # Before the switch, a wait for the store harms nobody; in its middle, the old cluster is safer.
            if is_passing(error) and not self._progress.status.before:
                raise
            raise self._failed(error, cluster) from None

    def _go_live(self, cluster: str) -> None:
        """Switch one region after the other, and watch each; switch all back if one fails."""
        promotion = self._promotion(cluster)
        try:
            promotion.check()
        except BluegridError as error:
            raise self._failed(error, cluster) from None
        if not self._progress.status.before:
            before = {each.region: each.live for each in promotion.outcomes}
            self._progress.step(RolloutStep.SWITCHING.of(cluster), before=before)
        policy = self._context.policy
        try:
            promotion.run(policy.bake_seconds, policy.errors, self._progress.outcome, all_back=True)
        except PromotionStopped as stopped:
            raise self._failed(stopped, cluster, stopped.outcomes) from None

    def _promotion(self, cluster: str) -> Promotion:
        applier = self._context.applier
        return Promotion(
            applier.registry,
            self._service.name,
            cluster,
            applier.stacks.folder,
            [stack.name for stack in self._context.stacks],
            applier=applier,
            before=self._progress.status.before,
        )

    def _failed(
        self, error: BluegridError | str, cluster: str, outcomes: Sequence[Outcome] | None = None
    ) -> RolloutFailed:
        """Remove the cluster, unless it is still live somewhere; return the error to raise.

        Args:
            error: what went wrong.
            cluster: the cluster of the version.
            outcomes: of the promotion that switched back; None: this attempt has not switched back. An
                earlier, interrupted attempt may have switched regions, in YAML or entirely.
        """
        fault = self._context.fault(error)
        self._progress.back(str(error))
        if outcomes is None:
            outcomes = self._switch_back(str(error), cluster) if self._progress.status.before else ()
        if stuck := [each for each in outcomes if each.stage is Stage.NOT_BACK and cluster in each.live]:
            return NotBack(f"{fault}; {cluster} is still live in {', '.join(each.region for each in stuck)}")
        if any(each.live == cluster for each in outcomes):
            return RolloutFailed(fault)
        return self._without_cluster(fault, cluster)

    def _switch_back(self, why: str, cluster: str) -> Sequence[Outcome]:
        return self._promotion(cluster).go_back(why, self._progress.outcome)

    def _without_cluster(self, fault: str, cluster: str) -> RolloutFailed:
        """Remove a cluster that is live nowhere; return the error to raise."""
        self._progress.step(RolloutStep.GOING.of(cluster))
        name = self._service.name
        try:
            self._editor.change(
                f"{name}: {cluster} goes, {self._context.version} did not pass",
                partial(_without, service=name, cluster=cluster),
            )
        except GitAway as again:
            raise NotGone(f"{fault}; {cluster} goes as soon as that can be committed: {again}") from None
        except BluegridError as again:
            return RolloutFailed(f"{fault}; {cluster} is still there: {again}")
        try:
            for stack in self._context.stacks:
                self._context.up(stack, cluster)
        except BluegridError as again:
            fault = f"{fault}; {cluster} is still there: {again}"
        return RolloutFailed(fault)

    def _next_cluster(self) -> Cluster:
        """Return a new cluster, as large as the live one."""
        live = self._service.cluster(self._service.live_in(self._context.stacks[0].region))
        following = next_id([each.id for each in self._service.clusters], prefix="d")
        return live.model_copy(update={"id": following, "version": self._context.version})

    def _gets_requests(self, cluster: str) -> bool:
        service = self._service
        live = {service.live} if isinstance(service.live, str) else {*service.live.values()}
        shares = {each for weights in service.traffic_by_region.values() for each in weights}
        return cluster in live | shares


def _without(folder: Path, service: str, cluster: str) -> None:
    """Remove a cluster, unless an interrupted attempt has done so."""
    if any(each.id == cluster for each in Registry.load(folder).service(service).clusters):
        remove_cluster(folder, service, cluster)


def _replace(folder: Path, service: str, retired: Sequence[str], cluster: Cluster | None) -> None:
    for each in retired:
        remove_cluster(folder, service, each)
    if cluster is not None:
        add_cluster(folder, service, cluster)
