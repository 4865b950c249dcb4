"""The first version of a set puts it online: a service with one cluster, everywhere at once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bluegrid.project import Target, urns_of_cluster
from bluegrid.updates.jobs.update import RolloutStep
from bluegrid.updates.rollouts.steps import NotBack, RolloutFailed, Steps
from bluegrid_registry import BluegridError, Registry, add_service, remove_service

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid.project import Stack


class NewService(Steps):
    """The steps of a rollout whose set has no service: nothing to compare with, and nothing to switch."""

    def start(self) -> None:
        """Put the set online, with one cluster, and watch it.

        Raises:
            RolloutFailed: it does badly; the set is not online any more.
        """
        name, set_id, cluster = self._service.name, self._file.set.id, self._service.clusters[0].id
        self._note_step(RolloutStep.STARTING.of(name), cluster=cluster, service=name)
        try:
            self._applier.declaring.change(
                f"{name}: {cluster} serves {self._version}, and is live",
                partial(add_service, set_id=set_id, service=self._service),
            )
            for stack in self._stacks:
                self._go_on()
                self._up_service(stack, cluster)
                self._bake(stack, cluster, self._rollout.errors)
        except BluegridError as error:
            raise self._offline(error, cluster) from None

    def go_back_again(self) -> RolloutFailed:
        """Go on with taking the service out; return what to raise."""
        return self._offline(self._at.back or "", self._service.clusters[0].id)

    def _offline(self, error: BluegridError | str, cluster: str) -> RolloutFailed:
        """Take the service out again; return what to raise."""
        name, fault = self._service.name, f"{self._version} is not online: {error}"
        self._note_step(RolloutStep.GOING.of(name), back=str(error))
        try:
            self._applier.declaring.change(
                f"{name} goes, {self._version} did not pass", partial(_without, service=name)
            )
            for stack in self._stacks:
                self._up_service(stack, cluster)
        except BluegridError as again:
            return NotBack(f"{fault}; {name} is still there: {again}")
        return RolloutFailed(fault)

    def _up_service(self, stack: Stack, cluster: str) -> None:
        """Update the service with its cluster and its route."""
        name, stacks = self._service.name, self._applier.stacks
        route = Target(name, (cluster,), are_scaled=False).urns(stacks.project, stack.name)
        clusters = urns_of_cluster(stacks.project, stack.name, name, cluster)
        stacks.up(stack, [*clusters, *route], routes=[name])


def _without(folder: Path, service: str) -> None:
    """Take a service out, unless that was done before we were cut off."""
    if any(file.service and file.service.name == service for file in Registry.load(folder).files):
        remove_service(folder, service)
