"""Brings the first version of a set online: a new service with one cluster, in all regions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bluegrid.updates.jobs.update import RolloutStep
from bluegrid.updates.rollouts.failures import NotBack, RolloutFailed
from bluegrid_registry import BluegridError, Registry, add_service, remove_service

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid.project import Stack
    from bluegrid.updates.rollouts.context import RolloutContext


class FirstServiceRollout:
    """Makes the service of a set without one; there is no live cluster to compare with or switch from."""

    def __init__(self, context: RolloutContext) -> None:
        self._context, self._service, self._progress = context, context.service, context.progress
        self._editor, self._cluster = context.applier.editor, context.service.clusters[0].id

    def run(self) -> None:
        """Make the service, and watch it.

        Raises:
            RolloutFailed: the version is not online, and the service is deleted.
            NotBack: the service still exists.
        """
        name, cluster = self._service.name, self._cluster
        self._progress.step(RolloutStep.STARTING.of(name), cluster=cluster, service=name)
        try:
            self._editor.change(
                f"{name}: {cluster} serves {self._context.version}, and is live",
                partial(add_service, set_id=self._context.file.set.id, service=self._service),
            )
            for stack in self._context.stacks:
                self._progress.require_wanted()
                self._up(stack)
                self._context.bake(stack, cluster, self._context.policy.errors)
        except BluegridError as error:
            raise self._offline(error) from None

    def go_back_again(self) -> RolloutFailed:
        """Resume removing the service, and return the error to raise."""
        return self._offline(self._progress.status.back or "")

    def _offline(self, error: BluegridError | str) -> RolloutFailed:
        """Remove the service; return the error to raise."""
        name, fault = self._service.name, self._context.fault(error)
        self._progress.step(RolloutStep.GOING.of(name), back=str(error))
        try:
            self._editor.change(
                f"{name} goes, {self._context.version} did not pass", partial(_without, service=name)
            )
            for stack in self._context.stacks:
                self._up(stack)
        except BluegridError as again:
            return NotBack(f"{fault}; {name} is still there: {again}")
        return RolloutFailed(fault)

    def _up(self, stack: Stack) -> None:
        """Have Pulumi update the service, with its cluster and its route."""
        self._context.applier.stacks.up_service(stack, self._service.name)


def _without(folder: Path, service: str) -> None:
    """Remove a service, unless an interrupted attempt has done so."""
    if any(file.service and file.service.name == service for file in Registry.load(folder).files):
        remove_service(folder, service)
