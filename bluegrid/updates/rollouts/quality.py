"""Compares a metric of a new version's models with the live version's, by the lineage in their manifests."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid.updates.rollouts.failures import HeldBack
from bluegrid_registry import read_manifest
from bluegrid_registry.counts import counted, share_of
from bluegrid_registry.maintenance.metric_changes import is_trained_again, metrics_of

if TYPE_CHECKING:
    from bluegrid.updates.rollouts.context import RolloutContext
    from bluegrid_registry import Manifest, ModelRow, Store
    from bluegrid_registry.registry_files.update_policy import QualityLimit

_NAMES = 5
"""How many of the recorded metrics are named where the demanded one is not among them."""


def require_quality(context: RolloutContext, store: Store, cluster: str) -> None:
    """Compare the metric that the set's rollout names with the live version's, in each region.

    Args:
        context: the rollout.
        store: the store of the versions.
        cluster: the cluster of the new version.

    Raises:
        HeldBack: the version's models are worse than the set allows.
        BluegridError: the store cannot be read.
    """
    limit = context.policy.quality
    if limit is None:
        return
    service, version = context.service, context.version
    lives = {service.cluster(service.live_in(stack.region)).version for stack in context.stacks}
    new = _manifest(context, store, version)
    for live in sorted(lives - {version}):
        fault = shortfall(limit, _manifest(context, store, live), new)
        if fault is not None:
            remedy = f"train again, or switch by hand: `bluegrid switch {service.name} {cluster}`"
            raise HeldBack(f"{version} stays on standby as {cluster}: {fault}; {remedy}")


def _manifest(context: RolloutContext, store: Store, version: str) -> Manifest:
    return read_manifest(store, context.file.set.id, version, context.file.version(version).manifest)


def shortfall(limit: QualityLimit, live: Manifest, new: Manifest) -> str | None:
    """Return by how much the models of a version are worse than a limit allows; None: they are not.

    Models that were trained again, and have the metric in the live version, count. A model whose metric is
    gone is worse.

    Args:
        limit: the metric, and how far it may move.
        live: the live version.
        new: the version to compare with it.
    """
    before = {row.uid: row for row in live.models}
    trained = [row for row in new.models if row.uid not in before or is_trained_again(before[row.uid], row)]
    if not trained:
        return None
    if not any(limit.metric in metrics_of(row) for row in new.models):
        return _without_metric(limit, new)
    known = [row for row in trained if row.uid in before and limit.metric in metrics_of(before[row.uid])]
    moves = [_Move.of(limit, before[row.uid], row) for row in known]
    worse = sorted((move for move in moves if move.is_worse), key=lambda move: move.rank)
    most = share_of(limit.share, len(known))
    if len(worse) <= most:
        return None
    gone = " or missing" if any(move.new is None for move in worse) else ""
    fault = f"{limit.metric} is worse than in {live.version} by more than {_allowed(limit)}{gone}"
    models = f"{len(worse)} of {counted(len(known), 'model')} trained again"
    return f"{fault} in {models} ({most} may be), most in {worse[0]}"


@dataclass(frozen=True)
class _Move:
    """The metric of one model, in the live version and in the new one."""

    uid: str
    old: float
    new: float | None
    """None: the new version does not have it."""
    worse_by: float
    allowed: float

    @classmethod
    def of(cls, limit: QualityLimit, old: ModelRow, new: ModelRow) -> _Move:
        before, now = metrics_of(old)[limit.metric], metrics_of(new).get(limit.metric)
        moved = math.inf if now is None else now - before if limit.better == "lower" else before - now
        return cls(new.uid, before, now, moved, limit.atol + limit.worsen * abs(before))

    @property
    def is_worse(self) -> bool:
        # Metrics have six digits, so that some move by exactly what is allowed, and floats are not exact.
        return self.worse_by > self.allowed and not math.isclose(self.worse_by, self.allowed)

    @property
    def rank(self) -> tuple[bool, float, float, str]:
        """Sorts the worst first, by multiples of what is allowed; missing metrics, which have none, last."""
        times = self.worse_by / self.allowed if self.allowed else math.inf
        return self.new is None, -times, -self.worse_by, self.uid

    def __str__(self) -> str:
        return f"{self.uid}: {self.old:.6g} -> {'none' if self.new is None else f'{self.new:.6g}'}"


def _allowed(limit: QualityLimit) -> str:
    parts = [f"{limit.worsen * 100:.6g} %"] if limit.worsen or not limit.atol else []
    return " + ".join([*parts, *([f"{limit.atol:.6g}"] if limit.atol else [])])


def _without_metric(limit: QualityLimit, new: Manifest) -> str:
    recorded = sorted({name for row in new.models for name in metrics_of(row)})
    names = f"recorded are {', '.join(recorded[:_NAMES])}" if recorded else "it has no metrics"
    return (
        f"no model of {new.version} has the metric {limit.metric}, {names}; write it into lineage.json, or "
        "correct `quality` in the set's rollout"
    )
