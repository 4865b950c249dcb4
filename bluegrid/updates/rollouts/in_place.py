"""Rolls out in place: replaces the live cluster's pods one after the other, and watches them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bluegrid.operations import take_snapshot
from bluegrid.promotion import share_that_failed
from bluegrid.updates.jobs.update import RolloutStep
from bluegrid.updates.rollouts.context import namespace_of
from bluegrid.updates.rollouts.failures import NotBack, RolloutFailed
from bluegrid_registry import BluegridError, change_cluster

if TYPE_CHECKING:
    from bluegrid.project import Stack
    from bluegrid.updates.rollouts.context import RolloutContext


class InPlaceRollout:
    """Replaces the version of the live cluster."""

    def __init__(self, context: RolloutContext) -> None:
        self._context, self._service, self._progress = context, context.service, context.progress

    def run(self) -> None:
        """Have the live cluster serve the version, region by region, and watch it.

        Raises:
            RolloutFailed: the version is not online; the cluster serves its earlier version.
            NotBack: the cluster may still serve the version.
        """
        name, stacks = self._service.name, self._context.stacks
        lives = sorted({each for stack in stacks for each in self._service.weights_in(stack.region)})
        if len(lives) > 1:
            raise RolloutFailed(f"{name}: {' and '.join(lives)} get requests; in place is for one")
        (cluster,) = lives
        before = self._progress.status.before.get(cluster, self._service.cluster(cluster).version)
        self._progress.step(RolloutStep.REPLACING.of(cluster), cluster=cluster, before={cluster: before})
        try:
            self._serve(cluster)
            for stack in stacks:
                self._progress.require_wanted()
                self._replace(stack, cluster)
        except BluegridError as error:
            raise self._back(cluster, before, error) from None

    def go_back_again(self) -> RolloutFailed:
        """Resume rolling back, and return the error to raise."""
        status = self._progress.status
        if status.cluster is None:
            return RolloutFailed(self._context.fault(status.back or ""))
        before = status.before.get(status.cluster, self._context.version)
        return self._back(status.cluster, before, status.back or "")

    def _serve(self, cluster: str) -> None:
        name, version = self._service.name, self._context.version
        edit = partial(change_cluster, service=name, cluster_id=cluster, version=version)
        self._context.applier.editor.change(f"{name}: {cluster} serves {version}", edit)

    def _replace(self, stack: Stack, cluster: str) -> None:
        name = self._service.name
        failed_before = share_that_failed(take_snapshot(namespace_of(stack), name), name, cluster)
        self._context.up(stack, cluster)
        self._context.bake(stack, cluster, failed_before + self._context.policy.errors)

    def _back(self, cluster: str, before: str, error: BluegridError | str) -> RolloutFailed:
        """Have the cluster serve its earlier version again; return the error to raise."""
        self._progress.step(RolloutStep.GOING_BACK.of(cluster), back=str(error))
        fault = self._context.fault(error)
        editor = self._context.applier.editor
        try:
            editor.serve_again(self._service.name, cluster, before, self._context.version)
            for stack in self._context.stacks:
                self._context.up(stack, cluster)
        except BluegridError as again:
            return NotBack(f"{fault}; going back: {again}")
        return RolloutFailed(fault)
