"""What a set wants to become of its new versions, and whether this server can do it."""

from __future__ import annotations

import fnmatch
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bluegrid.updates.jobs.update import RolloutStatus, RolloutStep
from bluegrid.updates.registry.git import GitAway
from bluegrid.updates.registry.registry_editor import RegistryEditor
from bluegrid.updates.rollouts.git_applier import GitApplier
from bluegrid.updates.rollouts.new_service import NewService
from bluegrid.updates.rollouts.steps import RolloutFailed, Steps
from bluegrid_registry import BluegridError, Cluster, ConfigError, Service, read_manifest
from bluegrid_registry.registry_files.update_policy import RolloutKind, RolloutPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from bluegrid.updates.jobs.bad_versions import BadVersions
    from bluegrid.updates.jobs.switch_queue import SwitchQueue
    from bluegrid.updates.jobs.update import Update
    from bluegrid.updates.registry.source import RegistrySource
    from bluegrid.updates.rollouts.stacks import Stacks
    from bluegrid_registry import RegistryFile, Store

FIRST_CLUSTER = "d1"
"""Of a service that a rollout makes."""
WAIT_SECONDS = 0.5
"""Between two checks whether a switch has ended."""


@dataclass(frozen=True)
class Rollouts:
    """Rolls versions out.

    Attributes:
        source: the registry.
        store: where the versions are.
        stacks: where they go.
        switches: what is switched meanwhile is waited for.
    """

    source: RegistrySource
    store: Store
    stacks: Stacks
    switches: SwitchQueue
    bad: BadVersions

    def check(self, file: RegistryFile) -> None:
        """Raise ConfigError when a set's versions are to be rolled out, and cannot."""
        wanted = _wanted(file)
        if wanted.to is RolloutKind.NONE:
            return
        place = f"set {file.set.id}: rollout to {wanted.to}"
        if file.service is None and wanted.service is None:
            raise ConfigError(f"{place}: the set has no service; declare one, or give rollout its `service`")
        if not self.stacks.names:
            raise ConfigError(f"{place}: this server has no stacks; start it with --stack")
        if wanted.to is RolloutKind.LIVE:
            if not self.source.is_shared:
                fault = "without a git remote the next `pulumi up` from elsewhere would undo it"
                raise ConfigError(f"{place}: {fault}; start the server with --git")
            if file.service is not None and file.service.standby_replicas == 0:
                fault = "standbys have no pods, and nobody could be compared with the live cluster"
                raise ConfigError(f"{place}: {fault}; set standbyReplicas to 1")

    def are_wanted(self, set_id: str) -> bool:
        """Whether a set's versions are to be rolled out, as far as is known now."""
        try:
            return _wanted(self._file(set_id)).to is not RolloutKind.NONE
        except BluegridError:
            # That is then the rollout's to say.
            return True

    def roll_out(
        self,
        update: Update,
        ours: Collection[str],
        note: Callable[[RolloutStatus], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        """Do what the set wants with the version that an update has made.

        Args:
            update: with its version, and how far it was if it was cut off.
            ours: clusters that earlier rollouts of the set have made.
            note: keeps how far it is.
            is_cancelled: whether somebody wants it to go back.

        Raises:
            RolloutFailed: the version did not go online.
        """
        with _as_failed(update):
            wanted = _wanted(self._file(update.set))
            if update.rollout is not None and update.rollout.back is not None:
                # As it began: the set may want something else by now.
                wanted = wanted.model_copy(update={"to": update.rollout.to})
            if wanted.to is RolloutKind.NONE or update.version is None:
                return
            done = update.rollout or RolloutStatus(to=wanted.to, step=RolloutStep.WAITING)
            # Noted first: from now on no switch of the service is begun.
            note(done)
            while self.switches.is_under_way(update.set):
                time.sleep(WAIT_SECONDS)
                note(done)
            # Only now: the switch may have made another cluster live.
            file = self._file(update.set)
            if done.back is None:
                self.check(file)
            service = file.service or _new_service(wanted, update.version)
            # Its own copies: a way back may be tried while another set's version bakes.
            ours_alone = replace(self.stacks, folder=self.stacks.folder / update.set)
            stacks = ours_alone.of(service)
            if not stacks:
                raise ConfigError(f"none of this server's stacks has service {service.name}")
            reason = f"Update {update.id}, asked for by {update.author}."
            applier = GitApplier(RegistryEditor(self.source, update.author, reason), ours_alone)
            given = file, service, update.version, wanted, applier, stacks, done, note, is_cancelled
            is_new = file.service is None or done.service is not None
            steps = NewService(*given) if is_new else Steps(*given)
            if done.back is not None:
                raise steps.go_back_again()
            self._require_fit(update, file, wanted)
            if isinstance(steps, NewService):
                steps.start()
                return
            if wanted.to is RolloutKind.IN_PLACE:
                steps.replace_in_place()
                return
            cluster = steps.start_cluster(ours)
            if wanted.to is RolloutKind.LIVE:
                steps.compare(self.store, cluster)
                steps.go_live(cluster)

    def _require_fit(self, update: Update, file: RegistryFile, wanted: RolloutPolicy) -> None:
        """Raise RolloutFailed for a version that is marked bad, or lacks models that clients ask for."""
        version = str(update.version)
        if (mark := self.bad.of(update.set).get(version)) is not None:
            raise RolloutFailed(f"{version} is not online: it is marked bad by {mark.by}: {mark.why}")
        service = file.service
        if service is None or wanted.to is RolloutKind.STANDBY:
            return
        known = {each.id: each for each in file.versions}
        lives = {service.cluster(each).version for each in service.weights_in(self._first_region(service))}
        uids = {
            each: {
                row.uid for row in read_manifest(self.store, update.set, each, known[each].manifest).models
            }
            for each in (version, *lives)
        }
        for live in sorted(lives):
            missing = sorted(uids[live] - uids[version])
            gone = [uid for uid in missing if not any(_names(each, uid) for each in update.wanted.without)]
            if gone:
                more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
                fault = f"{version} has no {gone[0]}{more}, which {live} has, and clients ask for"
                remedy = "name what goes in `without`, beside a base, or switch by hand"
                raise RolloutFailed(f"{version} is not online: {fault}; {remedy}")

    def _first_region(self, service: Service) -> str:
        return next(stack.region for stack in self.stacks.declared() if service.is_in(stack.region))

    def _file(self, set_id: str) -> RegistryFile:
        with self.source.known():
            return self.source.valid().registry.of_set(set_id)


def _names(pattern: str, uid: str) -> bool:
    """Whether a UID or a pattern of UIDs is that of a model."""
    return pattern == uid or fnmatch.fnmatchcase(uid, pattern)


@contextmanager
def _as_failed(update: Update) -> Iterator[None]:
    """Tell whatever goes wrong as a rollout that failed: the version is there."""
    try:
        yield
    except (RolloutFailed, GitAway):
        # In the second case nothing has become live yet, or is any more: it is tried again.
        raise
    except BluegridError as error:
        raise RolloutFailed(f"{update.version} is not online: {error}") from None


def _wanted(file: RegistryFile) -> RolloutPolicy:
    return file.set.update.rollout if file.set.update else RolloutPolicy(to=RolloutKind.NONE)


def _new_service(rollout: RolloutPolicy, version: str) -> Service:
    wanted = rollout.service
    assert wanted is not None  # noqa: S101 - `check` has refused it
    cluster = Cluster(
        id=FIRST_CLUSTER, version=version, replicas=wanted.replicas, cpu=wanted.cpu, memory=wanted.memory
    )
    return Service(name=wanted.name, live=FIRST_CLUSTER, clusters=(cluster,))
