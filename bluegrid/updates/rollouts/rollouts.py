"""Chooses the rollout of a set's new versions, and checks whether this server can execute it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bluegrid.updates.jobs.update import RolloutStatus, RolloutStep
from bluegrid.updates.registry_source.registry_editor import RegistryEditor
from bluegrid.updates.rollouts.context import RolloutContext
from bluegrid.updates.rollouts.failures import HeldBack, RolloutFailed, is_passing
from bluegrid.updates.rollouts.first_service import FirstServiceRollout
from bluegrid.updates.rollouts.git_applier import GitApplier
from bluegrid.updates.rollouts.in_place import InPlaceRollout
from bluegrid.updates.rollouts.progress import RolloutProgress
from bluegrid.updates.rollouts.standby import StandbyRollout
from bluegrid_registry import BluegridError, Cluster, ConfigError, Service, read_manifest
from bluegrid_registry.model_types.signature import breaking_changes
from bluegrid_registry.registry_files.update_policy import RolloutKind, RolloutPolicy
from bluegrid_registry.transfer.selection import uids_matching

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from bluegrid.updates.jobs.bad_versions import BadVersions
    from bluegrid.updates.jobs.switch_queue import SwitchQueue
    from bluegrid.updates.jobs.update import Update
    from bluegrid.updates.registry_source.source import RegistrySource
    from bluegrid.updates.rollouts.context import RolloutStrategy
    from bluegrid.updates.rollouts.stacks import Stacks
    from bluegrid_registry import RegistryFile, Store

FIRST_CLUSTER = "d1"
"""ID of the first cluster of a service that a rollout makes."""
WAIT_SECONDS = 0.5
"""Seconds between two checks whether a switch has ended."""


@dataclass(frozen=True)
class Rollouts:
    """Rolls versions out.

    Attributes:
        source: the registry.
        store: the store of the versions.
        stacks: the stacks that the server may update.
        switches: the switches; a rollout waits for those of its service.
        bad: versions that must not go live.
    """

    source: RegistrySource
    store: Store
    stacks: Stacks
    switches: SwitchQueue
    bad: BadVersions

    def check(self, file: RegistryFile) -> None:
        """Raise ConfigError if this server cannot execute a set's rollouts."""
        policy = _policy(file)
        if policy.to is RolloutKind.NONE:
            return
        place = f"set {file.set.id}: rollout to {policy.to}"
        if file.service is None and policy.service is None:
            raise ConfigError(f"{place}: the set has no service; declare one, or give rollout its `service`")
        if not self.stacks.names:
            raise ConfigError(f"{place}: this server has no stacks; start it with --stack")
        if policy.to is RolloutKind.LIVE:
            if not self.source.is_shared:
                fault = "without a git remote the next `pulumi up` from elsewhere would undo it"
                raise ConfigError(f"{place}: {fault}; start the server with --git")
            if file.service is not None and file.service.standby_replicas == 0:
                fault = "standbys have no pods, and nobody could be compared with the live cluster"
                raise ConfigError(f"{place}: {fault}; set standbyReplicas to 1")

    def are_wanted(self, set_id: str) -> bool:
        """Whether a set has rollouts; True if its policy cannot be read now."""
        try:
            return _policy(self._file(set_id)).to is not RolloutKind.NONE
        except BluegridError:
            # The rollout itself will report the error.
            return True

    def roll_out(
        self,
        update: Update,
        made: Collection[str],
        note: Callable[[RolloutStatus], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        """Roll out the version of an update, by the policy of its set.

        Args:
            update: the update, with its version, and with the status of a rollout to resume.
            made: clusters that earlier rollouts of the set made.
            note: stores the status of the rollout.
            is_cancelled: whether somebody has cancelled the update.

        Raises:
            HeldBack: the version stays on standby.
            RolloutFailed: the version did not go online.
        """
        with _as_failed(update):
            policy = _policy(self._file(update.set))
            if update.rollout is not None and update.rollout.back is not None:
                # A rollback uses the policy of its rollout: the set's policy may have changed.
                policy = policy.model_copy(update={"to": update.rollout.to})
            if policy.to is RolloutKind.NONE or update.version is None:
                return
            status = update.rollout or RolloutStatus(to=policy.to, step=RolloutStep.WAITING)
            self._wait_for_switches(update.set, status, note)
            # Read after the wait: the switch may have made another cluster live.
            file = self._file(update.set)
            if status.back is None:
                self.check(file)
            progress = RolloutProgress(status, note, is_cancelled)
            context = self._context(update, file, policy, progress)
            strategy = self._strategy(context, made)
            if status.back is not None:
                raise strategy.go_back_again()
            self._require_fit(update, file, policy)
            strategy.run()

    def _wait_for_switches(
        self, set_id: str, status: RolloutStatus, note: Callable[[RolloutStatus], None]
    ) -> None:
        # After the rollout is noted, no switch of the service begins.
        note(status)
        while self.switches.is_under_way(set_id):
            time.sleep(WAIT_SECONDS)
            note(status)

    def _context(
        self, update: Update, file: RegistryFile, policy: RolloutPolicy, progress: RolloutProgress
    ) -> RolloutContext:
        version = str(update.version)
        service = file.service or _new_service(policy, version)
        # Each set has its own copies: an update may be rolled back while another set's version bakes.
        own = replace(self.stacks, folder=self.stacks.folder / update.set)
        stacks = own.of(service)
        if not stacks:
            raise ConfigError(f"none of this server's stacks has service {service.name}")
        reason = f"Update {update.id}, requested by {update.author}."
        applier = GitApplier(RegistryEditor(self.source, update.author, reason), own)
        return RolloutContext(file, service, version, policy, applier, stacks, progress)

    def _strategy(self, context: RolloutContext, made: Collection[str]) -> RolloutStrategy:
        if context.file.service is None or context.progress.status.service is not None:
            return FirstServiceRollout(context)
        if context.policy.to is RolloutKind.IN_PLACE:
            return InPlaceRollout(context)
        return StandbyRollout(context, self.store, made)

    def _require_fit(self, update: Update, file: RegistryFile, policy: RolloutPolicy) -> None:
        """Raise RolloutFailed if a version is marked bad, or clients of the live version cannot use it.

        They cannot if it lacks models of the live version, or has another signature.
        """
        version = str(update.version)
        if (mark := self.bad.of(update.set).get(version)) is not None:
            raise RolloutFailed(f"{version} is not online: it is marked bad by {mark.by}: {mark.why}")
        service = file.service
        if service is None or policy.to is RolloutKind.STANDBY:
            return
        known = {each.id: each for each in file.versions}
        lives = {service.cluster(each).version for each in service.weights_in(self._first_region(service))}
        manifests = {
            each: read_manifest(self.store, update.set, each, known[each].manifest)
            for each in (version, *lives)
        }
        uids = {each: {row.uid for row in manifest.models} for each, manifest in manifests.items()}
        for live in sorted(lives):
            changes = breaking_changes(manifests[live].signature, manifests[version].signature)
            if changes and not update.wanted.incompatible:
                fault = f"{version} is not online: clients of {live} would break: {changes[0]}"
                raise RolloutFailed(f'{fault}; let it through with "incompatible": true, or switch by hand')
            left_out = {uid for name in update.wanted.without for uid in uids_matching(uids[live], name)}
            gone = sorted(uids[live] - uids[version] - left_out)
            if gone:
                more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
                fault = f"{version} has no {gone[0]}{more}, which {live} has, and clients ask for"
                remedy = "name what goes in `without`, beside a base, or switch by hand"
                raise RolloutFailed(f"{version} is not online: {fault}; {remedy}")

    def _first_region(self, service: Service) -> str:
        return next(stack.region for stack in self.stacks.declared() if stack.has(service))

    def _file(self, set_id: str) -> RegistryFile:
        with self.source.known():
            return self.source.valid().registry.of_set(set_id)


@contextmanager
def _as_failed(update: Update) -> Iterator[None]:
    """Raise RolloutFailed for every known error: the version itself is published."""
    try:
        yield
    except (HeldBack, RolloutFailed):
        raise
    except BluegridError as error:
        # The version is not live, and the update is tried again.
        if is_passing(error):
            raise
        raise RolloutFailed(f"{update.version} is not online: {error}") from None


def _policy(file: RegistryFile) -> RolloutPolicy:
    return file.set.update.rollout if file.set.update else RolloutPolicy(to=RolloutKind.NONE)


def _new_service(policy: RolloutPolicy, version: str) -> Service:
    new = policy.service
    assert new is not None  # noqa: S101 - `check` has refused it
    cluster = Cluster(
        id=FIRST_CLUSTER, version=version, replicas=new.replicas, cpu=new.cpu, memory=new.memory
    )
    return Service(name=new.name, live=FIRST_CLUSTER, clusters=(cluster,))
