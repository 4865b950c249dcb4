"""A promotion: makes a cluster live in one region after the other, until a region fails its bake.

That region goes back. The regions before it have passed their bakes: they stay or, on request, go back too,
newest first (ADR 16).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from bluegrid.project import find_stack, region_names
from bluegrid.promotion.applier import LocalApplier
from bluegrid.promotion.region import Outcome, Region, Stage
from bluegrid_registry import BluegridError, Registry, RegistryError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bluegrid.project import Stack
    from bluegrid.promotion.applier import Applier
    from bluegrid.promotion.bake import BakeProgress

    Report = Callable[[Outcome, BakeProgress | None], None]


class PromotionStopped(BluegridError):  # noqa: N818 - named after what happened
    """A region failed, or the user interrupted; `outcomes` has the state of every region."""

    def __init__(self, message: str, outcomes: Sequence[Outcome]) -> None:
        super().__init__(message)
        self.outcomes = outcomes


class Promotion:
    """The promotion of one cluster of a service through several regions.

    Args:
        registry: the folder of registry files, which the stacks read too.
        service, cluster: the cluster to make live.
        stacks: the folder of the stacks' files.
        regions: the stacks' names, in order.
        applier: changes YAML and Kubernetes; None: edits files in place and runs `pulumi`.
        before: by region, the cluster that was live before an interrupted attempt.

    Raises:
        RegistryError: there is no such service or cluster, or a region does not have it.
        ConfigError: there is no such stack, or its file names a cluster that does not exist.
    """

    def __init__(
        self,
        registry: Path,
        service: str,
        cluster: str,
        stacks: Path,
        regions: Sequence[str],
        *,
        applier: Applier | None = None,
        before: Mapping[str, str] | None = None,
    ) -> None:
        loaded = Registry.load(registry)
        declared = loaded.of_service(service).service
        assert declared is not None  # noqa: S101 - of_service returns no other
        declared.cluster(cluster)
        self._applier = applier or LocalApplier(registry)
        self._service, self._cluster = service, cluster
        in_order = [find_stack(stacks, name) for name in dict.fromkeys(regions)]
        for stack in in_order:
            if not stack.has(declared):
                regions_of = ", ".join(declared.regions or ()) or "all with platforms of their own"
                raise RegistryError(f"{stack.region} is not a region of {service}; declared: {regions_of}")
        earlier = before or {}
        self._regions = [
            Region(self._applier, stack.offered(loaded)[service], cluster, stack, earlier.get(stack.region))
            for stack in in_order
        ]
        # All regions: if the same cluster is live in all of them in the end, YAML names one ID again.
        self._was_one_word = isinstance(declared.live, str)
        self._everywhere = declared.regions or region_names(stacks, with_own_platform=True)
        self._outcomes: dict[str, Outcome] = {}

    @property
    def outcomes(self) -> list[Outcome]:
        """The outcome of every region, in order."""
        return list(self._outcomes.values())

    @property
    def stacks(self) -> list[Stack]:
        """The stacks, in order."""
        return [region.stack for region in self._regions]

    def check(self) -> None:
        """Check that the cluster can take over in every region; this changes nothing.

        Raises:
            BluegridError: the cluster cannot take over, or a region cannot be read.
        """
        for region in self._regions:
            region.check()
            self._outcomes[region.name] = Outcome(region.name, region.live, Stage.WAITING)

    def run(
        self, seconds: float, errors: float, report: Report, *, all_back: bool, at_once: bool = False
    ) -> list[Outcome]:
        """Switch and bake one region after the other.

        Args:
            seconds: of the bake in each region.
            errors: share of the requests that may fail on top of what failed before, 0 to 1.
            report: called with every change of a region, and with the progress of its bake.
            all_back: if a region fails, the regions before it go back too.
            at_once: whether to skip scaling an autoscaled cluster to as many pods as answer now.

        Raises:
            PromotionStopped: a region failed, or the promotion was interrupted.
        """
        promoted: list[Region] = []
        try:
            for region in self._regions:
                if region.is_promoted:
                    region.declare_live()
                    self._note(report, region, Stage.LIVE_ALREADY)
                    continue
                try:
                    self._promote(region, seconds, errors, report, at_once=at_once)
                except (BluegridError, KeyboardInterrupt) as error:
                    why = str(error) or "interrupted"
                    self._go_back(region, why, report)
                    for before in reversed(promoted) if all_back else ():
                        self._go_back(before, f"{region.name} went back", report)
                    raise PromotionStopped(self._summary(region, why), self.outcomes) from None
                promoted.append(region)
        finally:
            self._unify()
        return self.outcomes

    def go_back(self, why: str, report: Report) -> list[Outcome]:
        """Make live again what was live before an interrupted attempt."""
        try:
            for region in reversed(self._regions):
                if not region.is_promoted:
                    self._go_back(region, why, report)
        finally:
            self._unify()
        return self.outcomes

    def _unify(self) -> None:
        """Have YAML name one live cluster for all regions again; a failure changes no outcome."""
        if self._was_one_word:
            with suppress(BluegridError):
                self._applier.unify_live(self._service, self._everywhere)

    def _promote(
        self, region: Region, seconds: float, errors: float, report: Report, *, at_once: bool
    ) -> None:
        self._note(report, region, Stage.SWITCHING)
        region.switch(at_once=at_once)
        if seconds:
            self._note(report, region, Stage.BAKING)
            region.bake(seconds, errors, lambda progress: report(self._outcomes[region.name], progress))
        region.end_takeover(seconds)
        self._note(report, region, Stage.LIVE)

    def _go_back(self, region: Region, why: str, report: Report) -> None:
        self._note(report, region, Stage.GOING_BACK, why)
        try:
            region.go_back()
        except (BluegridError, KeyboardInterrupt) as error:
            # Pulumi may have changed the route before the proxy was shown to follow it.
            is_back = region.live == region.old
            reasons = f"{why}; going back: {str(error) or 'interrupted again'}"
            self._note(report, region, Stage.BACK if is_back else Stage.NOT_BACK, reasons)
        else:
            with suppress(KeyboardInterrupt):
                region.end_way_back()
            self._note(report, region, Stage.BACK, why)

    def _note(self, report: Report, region: Region, stage: Stage, why: str | None = None) -> None:
        outcome = Outcome(
            region.name, region.live, stage, region.progress.requests, region.progress.failed, why
        )
        self._outcomes[region.name] = outcome
        report(outcome, None)

    def _summary(self, failed: Region, why: str) -> str:
        """Return one line: what failed, what is live in each region, and what is left to do."""
        stands = ", ".join(f"{each.live} in {each.region}" for each in self.outcomes)
        summary = f"{failed.name}: {why}; now live: {stands}"
        remedies = [
            f"bluegrid switch {self._service} {region.old} --stack {region.stack.name} --up"
            for region in self._regions
            if self._outcomes[region.name].stage is Stage.NOT_BACK
        ]
        return "; ".join([summary, *(f"not back, see why, then: {remedy}" for remedy in remedies)])
