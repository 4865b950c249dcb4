"""One region of a promotion: its switch, its bake, its way back.

YAML is written before Pulumi runs, because Pulumi reads YAML. Whatever happens to the region after that, YAML
finally names the cluster that the region's live route leads to.
"""

from __future__ import annotations

import logging
import math
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from bluegrid.operations import KubernetesError, Namespace, ask_live_clusters, take_snapshot
from bluegrid.project import Target
from bluegrid.promotion.bake import Bake, BakeProgress, share_that_failed
from bluegrid_registry import BluegridError, ConfigError
from bluegrid_registry.contract import DECLARED_MIN
from bluegrid_registry.counts import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from bluegrid.project import Stack
    from bluegrid.promotion.applier import Applier
    from bluegrid_registry import OfferedService

LOAD_MEASURED_SECONDS = 60.0
"""How long after a switch an autoscaler decides by the new requests: its metrics are 15 s old or more, and it
reads them every 15 s."""

log = logging.getLogger(__name__)


class Stage(StrEnum):
    """The stage of a region in a promotion, in order."""

    WAITING = "waiting"
    LIVE_ALREADY = "live already"
    SWITCHING = "switching"
    BAKING = "baking"
    LIVE = "live"
    GOING_BACK = "going back"
    BACK = "back"
    NOT_BACK = "not back"


@dataclass(frozen=True)
class Outcome:
    """The state of a region during or after a promotion.

    Attributes:
        region: its name.
        live: the cluster that its live route leads to, as far as that is known.
        stage: of the region.
        requests, failed: in the bake.
        why: it went back, or could not go back; None: neither.
    """

    region: str
    live: str
    stage: Stage
    requests: int = 0
    failed: int = 0
    why: str | None = None


class Region:
    """One region of a promotion.

    Args:
        applier: changes YAML and Kubernetes.
        service: as the region offers it.
        cluster: the cluster to make live.
        stack: of the region.
        before: the cluster that was live before an interrupted attempt; None: there was no attempt.
    """

    def __init__(
        self, applier: Applier, service: OfferedService, cluster: str, stack: Stack, before: str | None = None
    ) -> None:
        self.stack = stack
        self._applier, self._service, self._cluster = applier, service, cluster
        self._known_before = before
        self._namespace = Namespace.connect(stack.context, stack.namespace, stack.kubeconfig)
        self.old, self.live = before or cluster, cluster
        """The cluster that was live when the region was checked, and the one that is live as far as known."""
        self._failing_before = 0.0
        self.progress = BakeProgress(0, 0, 0, 0)

    @property
    def name(self) -> str:
        """Name of the region in the registry."""
        return self.stack.region

    @property
    def is_promoted(self) -> bool:
        """Whether the cluster was live there before."""
        return self.old == self._cluster

    def check(self) -> None:
        """Check what is live and whether the cluster can take over; warn if it has fewer pods.

        Raises:
            KubernetesError: the region cannot be read, or this login may not read its pods.
            ConfigError: the cluster cannot take over.
        """
        name, cluster = self._service.name, self._cluster
        snapshot = take_snapshot(self._namespace, name)
        live = snapshot.live_clusters_of(name)
        if not live:
            raise self._refusal(f"{name} is not online there", "first")
        if len(live) > 1:
            shared = (
                f"{' and '.join(live)} share its requests; end that first: bluegrid switch {name} {live[0]}"
            )
            raise self._refusal(shared, None)
        (self.live,) = live
        self.old = self._known_before or self.live
        self._failing_before = share_that_failed(snapshot, name, self.live)
        declared = self._service.cluster(cluster).version.id
        ready, replicas = snapshot.replicas_of(f"{name}-{cluster}")
        # Standbys may have no pods: then the update starts them first.
        if ready < replicas or (ready == 0 and self._service.standby_replicas is None):
            raise self._refusal(f"{ready} of {replicas} pods of {cluster} are ready", "first")
        if (version := snapshot.version_of(f"{name}-{cluster}")) != declared:
            raise self._refusal(f"{cluster} serves {version} there, and {declared} in YAML", "first")
        if snapshot.report_fault is not None:
            raise self._refusal(
                f"its pods cannot be watched: {snapshot.report_fault}; allow get on pods/proxy", None
            )
        self._warn_of_fewer_pods(ready, snapshot.replicas_of(f"{name}-{self.live}")[0])

    def _warn_of_fewer_pods(self, ready: int, of_live: int) -> None:
        """Warn if, by the numbers in YAML, the route would lead to fewer pods than answer now."""
        cluster = self._service.cluster(self._cluster).when_live
        if cluster.autoscaling:
            setting, most = "autoscaling.max", cluster.autoscaling.max
        else:
            is_scaled_first = self._service.standby_replicas is not None
            setting, most = "replicas", cluster.replicas if is_scaled_first else ready
        if max(ready, most) >= of_live:
            return
        log.warning(
            "%s: %s has %s and takes over from %s of %s; raise its %s to %d and `pulumi up --stack %s` first",
            self.name,
            cluster.id,
            counted(ready, "ready pod"),
            of_live,
            self.live,
            setting,
            of_live,
            self.stack.name,
        )

    def switch(self, *, at_once: bool = False) -> None:
        """Make the cluster live.

        Args:
            at_once: whether to skip scaling an autoscaled cluster to as many pods as answer now.

        Raises:
            BluegridError: YAML or Pulumi refused, or the route is not proven.
        """
        self._write(self._cluster)
        # From here on the cluster may be live, whatever fails: a region that cannot be read is not back.
        self.live = self._cluster
        self._up(self._cluster, at_once=at_once)
        self.live = self._ask()
        if self.live != self._cluster:
            question = f"does {self.stack.file} name the registry {self._applier.registry}?"
            raise ConfigError(f"pulumi up succeeded and {self.live} is live; {question}")

    def _up(self, cluster: str, *, at_once: bool = False) -> None:
        self._applier.up(Target.of(self._service, cluster), self.stack, at_once=at_once)

    def end_takeover(self, seconds: float) -> None:
        """Restore the `min` of the cluster's autoscaler, if the switch raised it and the load is measured.

        A failure is logged and left to the next whole update: the switch itself has succeeded.

        Args:
            seconds: since the switch.
        """
        if seconds < LOAD_MEASURED_SECONDS:
            self._warn_of_held(self._cluster)
        elif (held := self._held(self._cluster)) is not None:
            try:
                self._applier.up(Target.autoscaler_of(self._service, self._cluster), self.stack)
            except BluegridError as error:
                log.warning("%s; %s; `%s`", self._keeps(self._cluster, held), error, self._whole_update)

    def end_way_back(self) -> None:
        """Restore the `min` of the cluster that was left; the one that is live again keeps its pods.

        A failure is logged, as in `end_takeover`.
        """
        self.end_takeover(math.inf)
        self._warn_of_held(self.old)

    def _warn_of_held(self, cluster: str) -> None:
        if (held := self._held(cluster)) is not None:
            how = f"in some minutes `{self._whole_update}` gives it back its min"
            log.warning("%s; %s", self._keeps(cluster, held), how)

    def _keeps(self, cluster: str, held: int) -> str:
        return f"{self.name}: the autoscaler of {cluster} keeps {held} pods or more since the switch"

    @property
    def _whole_update(self) -> str:
        return f"pulumi up --stack {self.stack.name}"

    def _held(self, cluster: str) -> int | None:
        """Return the `min` that a switch set for a cluster's autoscaler; None: it is as in YAML."""
        declared = self._service.clusters.get(cluster)
        if declared is None or declared.autoscaling is None:
            return None
        kind = f"/apis/autoscaling/v2/namespaces/{self.stack.namespace}/horizontalpodautoscalers"
        try:
            autoscaler = self._namespace.get(f"{kind}/{self._service.name}-{cluster}")
        except KubernetesError as error:
            log.warning("%s: what the autoscaler of %s keeps is not known: %s", self.name, cluster, error)
            return None
        is_raised = DECLARED_MIN in (autoscaler["metadata"].get("annotations") or {})
        return int(autoscaler["spec"]["minReplicas"]) if is_raised else None

    def declare_live(self) -> None:
        """Declare in YAML that the cluster is live, which it already is."""
        self._write(self._cluster)

    def bake(self, seconds: float, errors: float, report: Callable[[BakeProgress], None]) -> None:
        """Watch the region; `errors` is the share of requests that may fail on top of what failed before.

        Raises:
            BluegridError: the region fails the bake, or cannot be watched.
        """

        def keep(progress: BakeProgress) -> None:
            self.progress = progress
            report(progress)

        most = self._failing_before + errors
        Bake(self._namespace, self._service.name, self._cluster, seconds, most).watch(keep)

    def go_back(self) -> None:
        """Make live again what was live before; YAML then names what is live, also if this fails.

        Raises:
            BluegridError: the region is not back, or the proxy has not shown that it is.
        """
        name, region = self._service.name, self.name
        self._applier.declare_back(name, self.old, region, self._cluster)
        try:
            if self._ask() == self._cluster:
                # The failing cluster is left at once; more pods for its requests are started after that.
                self._up(self.old, at_once=True)
        finally:
            # If the region cannot be read, the last known state stands.
            with suppress(KubernetesError):
                self.live = self._ask()
            if self.live != self.old:
                self._applier.declare_failed(name, self.live, region)
        if self.live != self.old:
            raise ConfigError(f"{self.live} is live")

    def _ask(self) -> str:
        """Return the cluster that the region's live route leads to."""
        return " and ".join(ask_live_clusters(self._namespace, self._service.name))

    def _write(self, cluster: str) -> None:
        self._applier.declare(self._service.name, cluster, self.name)

    def _refusal(self, fault: str, when: str | None) -> BluegridError:
        # With --refresh: Pulumi does not notice pods that were scaled by hand.
        remedy = f"; `pulumi up --refresh --stack {self.stack.name}` {when}" if when else ""
        return ConfigError(f"{self.name}: {fault}{remedy}")
