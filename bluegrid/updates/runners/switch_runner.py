"""Previews switches, and executes them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import structlog

from bluegrid.promotion import Promotion, PromotionStopped, Stage, rehearse
from bluegrid.updates.errors import ApiError
from bluegrid.updates.jobs.queue_worker import QueueWorker
from bluegrid.updates.registry_source.registry_editor import RegistryEditor
from bluegrid.updates.registry_source.source import snapshot
from bluegrid.updates.rollouts.git_applier import GitApplier
from bluegrid_registry import BluegridError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bluegrid.project import Stack
    from bluegrid.promotion import BakeProgress, Outcome, Rehearsal
    from bluegrid.updates.jobs.bad_versions import BadVersions
    from bluegrid.updates.jobs.switch import Switch
    from bluegrid.updates.jobs.switch_queue import SwitchQueue
    from bluegrid.updates.registry_source.source import RegistrySource
    from bluegrid.updates.rollouts import Stacks
    from bluegrid_registry import RegistryFile

log = structlog.get_logger()


@dataclass(frozen=True)
class RehearsedRegion:
    """The effects of a switch in a region.

    Attributes:
        region: name of the region.
        rehearsal: what Pulumi would do.
        refusal: why the cluster cannot take over now; None: it can.
    """

    region: str
    rehearsal: Rehearsal
    refusal: str | None


class _NotBack(BluegridError):  # noqa: N818 - what happened
    """A switch has failed, and its cluster is still live somewhere."""

    def __init__(self, message: str, back: str) -> None:
        super().__init__(message)
        self.back = back


class SwitchRunner:
    """Executes switches, one after the other, and resumes interrupted switches.

    Args:
        queue: the switches.
        bad: records the versions that people rolled back from.
        source: the registry.
        stacks: the stacks of the server, with copies of their files that only switches use.
    """

    def __init__(self, queue: SwitchQueue, bad: BadVersions, source: RegistrySource, stacks: Stacks) -> None:
        self._queue, self._bad, self._source, self._stacks = queue, bad, source, stacks
        self._rehearsing = threading.Lock()
        self.worker = QueueWorker("switches", queue.database, self._work_off)

    def regions_of(self, file: RegistryFile, names: Sequence[str] | None) -> list[str]:
        """Return the regions to switch, in order.

        Args:
            file: the file of the service's set.
            names: names of regions; None: all regions of this server that have the service.

        Raises:
            ApiError: this server cannot switch there.
        """
        assert file.service is not None  # noqa: S101 - it was found by its service
        if not self._source.is_shared:
            fault = "without a git remote the next `pulumi up` from elsewhere would undo a switch"
            raise ApiError(HTTPStatus.CONFLICT, f"{fault}; start the server with --git")
        ours = [stack.region for stack in self._stacks.declared() if stack.has(file.service)]
        unknown = [name for name in names or () if name not in ours]
        if unknown or not ours:
            fault = f"{file.service.name}: this server does not switch {', '.join(unknown) or 'it anywhere'}"
            remedy = "start it with --stack for each stack that it may update"
            raise ApiError(
                HTTPStatus.CONFLICT, f"{fault}; it does {', '.join(ours) or 'no region'}: {remedy}"
            )
        return [*dict.fromkeys(names or ours)]

    def rehearse(self, service: str, cluster: str, regions: Sequence[str]) -> list[RehearsedRegion]:
        """Return the effects of a switch, region by region; nothing changes.

        Raises:
            BluegridError: the registry refuses the switch, or there is no `pulumi`.
        """
        # Regions are rehearsed one after the other: each starts Pulumi, which takes much memory.
        with self._rehearsing, TemporaryDirectory() as folder:
            registry = snapshot(self._source, Path(folder))
            return [self._rehearse(registry, service, cluster, stack) for stack in self._of(regions)]

    def _rehearse(self, registry: Path, service: str, cluster: str, stack: Stack) -> RehearsedRegion:
        found = rehearse(registry, service, cluster, stack, self._stacks.program)
        refusal = None
        try:
            Promotion(registry, service, cluster, self._stacks.files, [stack.name]).check()
        except BluegridError as error:
            refusal = str(error)
        return RehearsedRegion(stack.region, found, refusal)

    def _of(self, regions: Sequence[str]) -> list[Stack]:
        stacks = {stack.region: stack for stack in self._stacks.declared()}
        return [stacks[region] for region in regions]

    def _work_off(self) -> None:
        while not self.worker.is_stopping and (switch := self._queue.begin()):
            switch_log = log.bind(switch=switch.id, service=switch.service, cluster=switch.cluster)
            switch_log.info("switch begins", author=switch.author)
            try:
                error = self._error_of(switch)
            except _NotBack as stuck:
                self._queue.wait(switch, stuck.back, str(stuck))
                switch_log.warning("switch is not back", error=str(stuck))
            else:
                self._queue.end(switch, error)
                switch_log.info("switch ends", error=error)

    def _error_of(self, switch: Switch) -> str | None:
        """Execute a switch; return its error, or None.

        Raises:
            _NotBack: the switch failed, and its cluster is still live somewhere.
        """
        try:
            self._switch(switch)
        except _NotBack:
            raise
        except BluegridError as error:
            return str(error)
        except Exception:
            log.exception("switch failed", switch=switch.id)
            return "a fault of the server's; see its log"
        return None

    def _switch(self, switch: Switch) -> None:
        before = {**switch.before}
        promotion = self._promotion(switch)

        def report(outcome: Outcome, _: BakeProgress | None) -> None:
            self._queue.note_step(switch, f"{outcome.region}: {outcome.stage}", before)

        if switch.back is not None:
            _require_back(switch, promotion.go_back(switch.back, report), switch.back)
            raise ConfigError(f"{switch.back}; {_live_now(promotion)}")
        try:
            promotion.check()
            before = before or {each.region: each.live for each in promotion.outcomes}
            self._queue.note_step(switch, "checked", before)
            # A switch has no bake; `bluegrid promote` has one. A rollback does not wait for pods either,
            # since the live cluster fails: the route is switched before the pods start.
            promotion.run(0, 0, report, all_back=True, at_once=switch.is_way_back)
            self._mark(switch, before)
        except PromotionStopped as stopped:
            _require_back(switch, stopped.outcomes, _reasons(stopped.outcomes))
            raise
        except BluegridError as error:
            if switch.before:
                # An interrupted attempt may have switched regions.
                _require_back(switch, promotion.go_back(str(error), report), str(error))
            raise

    def _mark(self, switch: Switch, before: Mapping[str, str]) -> None:
        """Mark the versions that were rolled back from; clear the mark of the version that becomes live."""
        service = self._source.valid().registry.service(switch.service)
        versions = {each.id: each.version for each in service.clusters}
        self._bad.clear(switch.set, versions[switch.cluster], switch.author)
        if switch.is_way_back:
            why = f"{switch.service} went back to {switch.cluster}, switch {switch.id}"
            for left in {versions[each] for each in before.values() if each in versions} - {
                versions[switch.cluster]
            }:
                self._bad.mark(switch.set, left, switch.author, why)

    def _promotion(self, switch: Switch) -> Promotion:
        reason = f"Switch {switch.id}, requested by {switch.author}."
        # A switch does not wait for git: it is committed as soon as git answers.
        applier = GitApplier(
            RegistryEditor(self._source, switch.author, reason), self._stacks, waits_for_git=False
        )
        names = [stack.name for stack in self._of(switch.regions)]
        with self._source.known():
            registry = self._source.registry
            self._stacks.of(self._source.valid().registry.service(switch.service))
            return Promotion(
                registry,
                switch.service,
                switch.cluster,
                self._stacks.folder,
                names,
                applier=applier,
                before=switch.before,
            )


def _require_back(switch: Switch, outcomes: Sequence[Outcome], back: str) -> None:
    """Raise _NotBack if the cluster of a failed switch is still live somewhere."""
    stuck = [each for each in outcomes if each.stage is Stage.NOT_BACK and switch.cluster in each.live]
    if stuck:
        where = ", ".join(each.region for each in stuck)
        why = _reasons(stuck)
        raise _NotBack(f"{switch.cluster} is still live in {where}, and is taken off again: {why}", back)


def _reasons(outcomes: Sequence[Outcome]) -> str:
    return "; ".join(f"{each.region}: {each.why}" for each in outcomes if each.why)


def _live_now(promotion: Promotion) -> str:
    return "now live: " + ", ".join(f"{each.live} in {each.region}" for each in promotion.outcomes)
