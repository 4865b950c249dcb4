"""What a rollout is made of. Each step may be done again; one that fails leaves YAML saying what runs."""

from __future__ import annotations

import itertools
import math
from functools import partial
from typing import TYPE_CHECKING

from bluegrid.operations import ClusterClient, Namespace, PredictionRequest, compare, take_snapshot
from bluegrid.project import urns_of_cluster
from bluegrid.promotion import Bake, Promotion, PromotionStopped, Stage, share_that_failed
from bluegrid.updates.jobs.update import RolloutStep
from bluegrid.updates.publishing.publisher import next_id
from bluegrid.updates.registry.git import GitAway
from bluegrid_registry import (
    BluegridError,
    Cluster,
    Registry,
    add_cluster,
    change_cluster,
    read_manifest,
    remove_cluster,
)
from bluegrid_registry.registry_files.update_policy import RolloutKind, Tolerance

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from bluegrid.project import Stack
    from bluegrid.promotion import BakeProgress, Outcome
    from bluegrid.updates.jobs.update import RolloutStatus
    from bluegrid.updates.rollouts.git_applier import GitApplier
    from bluegrid_registry import RegistryFile, Service, Store
    from bluegrid_registry.formats.manifest import Example
    from bluegrid_registry.registry_files.update_policy import RolloutPolicy

MAX_COMPARED = 500
"""Models whose recorded inputs are sent to both clusters, evenly taken from all."""


PLAUSIBLE_SHARE = 0.05
"""Of the models that are compared, how many may be further off where the set gives no limits."""


class RolloutFailed(BluegridError):  # noqa: N818 - what happened
    """The version is there, and did not go online; what was live before is."""


class NotBack(RolloutFailed):
    """The version is still online somewhere, or may be; what was live before has to be made live yet."""


class NotGone(GitAway):
    """What was live before is; that the version's cluster goes cannot be committed yet."""


class Steps:
    """The steps of one update's rollout.

    Args:
        file: of the set, with the version.
        service: of the set.
        version: what is rolled out.
        rollout: what the set wants.
        applier: what changes things.
        stacks: that have the service, in order.
        done: how far it was when it was cut off.
        note: keeps how far it is.
        is_cancelled: whether somebody wants it to go back.
    """

    def __init__(
        self,
        file: RegistryFile,
        service: Service,
        version: str,
        rollout: RolloutPolicy,
        applier: GitApplier,
        stacks: Sequence[Stack],
        done: RolloutStatus,
        note: Callable[[RolloutStatus], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        self._file, self._service, self._version = file, service, version
        self._rollout, self._applier, self._stacks, self._note = rollout, applier, stacks, note
        self._at, self._is_cancelled = done, is_cancelled

    def start_cluster(self, ours: Collection[str]) -> str:
        """Have a cluster beside the live one that serves the version; return its ID.

        Args:
            ours: clusters of earlier rollouts. Of them, those that are live nowhere make room for this one.

        Raises:
            RolloutFailed: it did not start; it is not declared any more.
        """
        service, name = self._service, self._service.name
        known = next((each for each in service.clusters if each.version == self._version), None)
        cluster = known or self._next_cluster()
        self._note_step(RolloutStep.STARTING.of(cluster.id), cluster=cluster.id)
        others = (each.id for each in service.clusters if each.id in ours and each.id != cluster.id)
        retired = [each for each in others if not self._gets_requests(each)]
        goes = f", {', '.join(retired)} goes" if retired else ""
        if retired or not known:
            self._applier.declaring.change(
                f"{name}: {cluster.id} serves {self._version}{goes}",
                partial(_replace, service=name, retired=retired, cluster=None if known else cluster),
            )
        try:
            for stack in self._stacks:
                self._go_on()
                self._up(stack, cluster.id, *retired)
        except BluegridError as error:
            raise self._failed(error, cluster.id) from None
        return cluster.id

    def compare(self, store: Store, cluster: str) -> None:
        """Send the inputs of recorded examples to the live cluster and to this one.

        Raises:
            RolloutFailed: it does not answer where the live one does, or is too far off.
        """
        self._note_step(RolloutStep.COMPARING.of(cluster))
        stack, name = self._stacks[0], self._service.name
        live = self._service.live_in(stack.region)
        if live == cluster:
            return
        try:
            examples = self._examples(store, self._service.cluster(live).version)
            requests = [
                PredictionRequest(model=uid, instances=[[*inputs] for inputs in example.inputs])
                for uid, example in examples
            ]
            self._go_on()
            if not requests:
                return
            namespace = Namespace.connect(stack.context, stack.namespace, stack.kubeconfig)
            first, second = (ClusterClient.of(namespace, name, each) for each in (live, cluster))
            within = self._rollout.within or _plausible(examples)
            found = compare(first, second, requests, rtol=within.rtol, atol=within.atol)
        except BluegridError as error:
            raise self._failed(error, cluster) from None
        silent = [each for each in found.differing if each.refused == (cluster,)]
        if silent:
            fault = f"{cluster} gives no prediction for {len(silent)} of {found.requests} models"
            raise self._failed(f"{fault}: {silent[0].text}", cluster)
        off = [each for each in found.differing if not each.refused]
        if len(off) > within.share * found.requests:
            fault = f"{len(off)} of {found.requests} models are further off {live} than allowed"
            raise self._failed(f"{fault}, such as {off[0].model}: {off[0].text}", cluster)

    def go_live(self, cluster: str) -> None:
        """Switch one region after the other, and watch each; all go back where one does badly.

        Raises:
            RolloutFailed: one did.
        """
        promotion = self._promotion(cluster)
        try:
            promotion.check()
        except BluegridError as error:
            raise self._failed(error, cluster) from None
        if not self._at.before:
            before = {each.region: each.live for each in promotion.outcomes}
            self._note_step(RolloutStep.SWITCHING.of(cluster), before=before)
        try:
            promotion.run(self._rollout.bake_seconds, self._rollout.errors, self._note_outcome, all_back=True)
        except PromotionStopped as stopped:
            raise self._failed(stopped, cluster, stopped.outcomes) from None

    def replace_in_place(self) -> None:
        """Have the live cluster serve the version, one pod after the other, and watch it.

        Raises:
            RolloutFailed: it does badly; it serves what it served before.
        """
        service, name = self._service, self._service.name
        lives = sorted({each for stack in self._stacks for each in service.weights_in(stack.region)})
        if len(lives) > 1:
            raise RolloutFailed(f"{name}: {' and '.join(lives)} get requests; in place is for one")
        (cluster,) = lives
        before = self._at.before.get(cluster, service.cluster(cluster).version)
        self._note_step(RolloutStep.REPLACING.of(cluster), cluster=cluster, before={cluster: before})
        try:
            self._serve(cluster, self._version)
            for stack in self._stacks:
                self._go_on()
                self._replace_in(stack, cluster)
        except BluegridError as error:
            raise self._back_in_place(cluster, before, error) from None

    def _replace_in(self, stack: Stack, cluster: str) -> None:
        name = self._service.name
        namespace = Namespace.connect(stack.context, stack.namespace, stack.kubeconfig)
        most = share_that_failed(take_snapshot(namespace, name), name, cluster) + self._rollout.errors
        self._up(stack, cluster)
        self._bake(stack, cluster, most)

    def _bake(self, stack: Stack, cluster: str, most: float) -> None:
        """Watch a region; of the requests at most the share `most` may fail."""
        self._note_step(RolloutStep.BAKING.of(stack.region))
        namespace = Namespace.connect(stack.context, stack.namespace, stack.kubeconfig)
        seconds = self._rollout.bake_seconds
        Bake(namespace, self._service.name, cluster, seconds, most).watch(self._note_progress)

    def go_back_again(self) -> RolloutFailed:
        """Go on with the way back of an attempt that did not get there; return what to raise."""
        cluster, why = self._at.cluster, self._at.back or ""
        if cluster is None:
            return RolloutFailed(f"{self._version} is not online: {why}")
        if self._rollout.to is RolloutKind.IN_PLACE:
            return self._back_in_place(cluster, self._at.before.get(cluster, self._version), why)
        return self._failed(why, cluster)

    def _back_in_place(self, cluster: str, before: str, error: BluegridError | str) -> RolloutFailed:
        self._note_step(RolloutStep.GOING_BACK.of(cluster), back=str(error))
        fault = f"{self._version} is not online: {error}"
        try:
            self._applier.declaring.serve_again(self._service.name, cluster, before, self._version)
            for stack in self._stacks:
                self._up(stack, cluster)
        except BluegridError as again:
            return NotBack(f"{fault}; going back: {again}")
        return RolloutFailed(fault)

    def _serve(self, cluster: str, version: str) -> None:
        name = self._service.name
        edit = partial(change_cluster, service=name, cluster_id=cluster, version=version)
        self._applier.declaring.change(f"{name}: {cluster} serves {version}", edit)

    def _promotion(self, cluster: str) -> Promotion:
        return Promotion(
            self._applier.registry,
            self._service.name,
            cluster,
            self._applier.stacks.folder,
            [stack.name for stack in self._stacks],
            applier=self._applier,
            before=self._at.before,
        )

    def _failed(
        self, error: BluegridError | str, cluster: str, outcomes: Sequence[Outcome] | None = None
    ) -> RolloutFailed:
        """Take the cluster out again, unless it is live somewhere all the same; return what to raise.

        Args:
            error: what went wrong.
            cluster: that was to be live.
            outcomes: of the promotion that went back; None: it did not get so far this time. An attempt that
                was cut off may have switched, in YAML or all the way.
        """
        fault = f"{self._version} is not online: {error}"
        if self._at.back is None:
            self._note_step(self._at.step, back=str(error))
        if outcomes is None:
            outcomes = (
                self._promotion(cluster).go_back(str(error), self._note_outcome) if self._at.before else ()
            )
        if stuck := [each for each in outcomes if each.stage is Stage.NOT_BACK and cluster in each.live]:
            return NotBack(f"{fault}; {cluster} is still live in {', '.join(each.region for each in stuck)}")
        if any(each.live == cluster for each in outcomes):
            return RolloutFailed(fault)
        self._note_step(RolloutStep.GOING.of(cluster))
        name = self._service.name
        try:
            self._applier.declaring.change(
                f"{name}: {cluster} goes, {self._version} did not pass",
                partial(_without, service=name, cluster=cluster),
            )
        except GitAway as again:
            raise NotGone(f"{fault}; {cluster} goes as soon as that can be committed: {again}") from None
        except BluegridError as again:
            return RolloutFailed(f"{fault}; {cluster} is still there: {again}")
        try:
            for stack in self._stacks:
                self._up(stack, cluster)
        except BluegridError as again:
            fault = f"{fault}; {cluster} is still there: {again}"
        return RolloutFailed(fault)

    def _examples(self, store: Store, live_version: str) -> list[tuple[str, Example]]:
        """Return recorded examples of the live version, by UID, for models that the new one has too."""
        set_id, known = self._file.set.id, {each.id: each for each in self._file.versions}
        new, live = (
            read_manifest(store, set_id, version, known[version].manifest)
            for version in (self._version, live_version)
        )
        uids = {row.uid for row in new.models}
        examples = [
            (row.uid, row.example) for row in live.models if row.example is not None and row.uid in uids
        ]
        return examples[:: math.ceil(len(examples) / MAX_COMPARED) or 1]

    def _next_cluster(self) -> Cluster:
        """One as large as the live cluster."""
        live = self._service.cluster(self._service.live_in(self._stacks[0].region))
        following = next_id([each.id for each in self._service.clusters], prefix="d")
        return live.model_copy(update={"id": following, "version": self._version})

    def _gets_requests(self, cluster: str) -> bool:
        service = self._service
        live = {service.live} if isinstance(service.live, str) else {*service.live.values()}
        shares = {each for weights in service.traffic_by_region.values() for each in weights}
        return cluster in live | shares

    def _up(self, stack: Stack, *clusters: str) -> None:
        stacks, service = self._applier.stacks, self._service.name
        urns = (urns_of_cluster(stacks.project, stack.name, service, cluster) for cluster in clusters)
        stacks.up(stack, [*itertools.chain.from_iterable(urns)])

    def _note_outcome(self, outcome: Outcome, progress: BakeProgress | None) -> None:
        if progress is None:
            # From here on it goes back, also after a crash.
            why = {"back": outcome.why} if outcome.stage is Stage.GOING_BACK and not self._at.back else {}
            self._note_step(f"{outcome.region}: {outcome.stage}", **why)
            if outcome.stage is Stage.SWITCHING:
                self._go_on()
        else:
            self._note_progress(progress)

    def _note_progress(self, progress: BakeProgress) -> None:
        self._note_step(
            self._at.step,
            requests=progress.requests,
            failed=progress.failed,
            baked_seconds=round(progress.seconds, 1),
            bake_seconds=progress.of,
        )
        self._go_on()

    def _go_on(self) -> None:
        """Raise where somebody wants it to go back."""
        if self._is_cancelled():
            raise RolloutFailed("cancelled")

    def _note_step(self, step: str, **more: object) -> None:
        # A bake notes its seconds with each step; any other step ends the bake.
        bake = {"baked_seconds": 0.0, "bake_seconds": None}
        self._at = self._at.model_copy(update={"step": step} | bake | more)
        self._note(self._at)


def _plausible(examples: Sequence[tuple[str, Example]]) -> Tolerance:
    """Return the limits for a set that gives none: they catch nonsense, and nothing else.

    An answer may be off by as much as the largest of those that the live version has recorded, and by itself.
    """
    largest = max((abs(each) for _, example in examples for each in example.outputs), default=0.0)
    return Tolerance(rtol=1.0, atol=largest or math.inf, share=PLAUSIBLE_SHARE)


def _without(folder: Path, service: str, cluster: str) -> None:
    """Take a cluster out, unless that was done before we were cut off."""
    if any(each.id == cluster for each in Registry.load(folder).service(service).clusters):
        remove_cluster(folder, service, cluster)


def _replace(folder: Path, service: str, retired: Sequence[str], cluster: Cluster | None) -> None:
    for each in retired:
        remove_cluster(folder, service, each)
    if cluster is not None:
        add_cluster(folder, service, cluster)
