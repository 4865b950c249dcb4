"""Compares the versions of a service's change: which models change, how metrics moved, and who signed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bluegrid_registry import BluegridError, compare_versions, verify_signature
from bluegrid_registry.counts import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bluegrid.states import ClusterState, ServiceChange
    from bluegrid_registry import MetricChange, Registry, RegistryFile, Store, VersionDifference

_METRICS = 3
"""How many metrics of a version are shown; `version diff` shows all."""


@dataclass(frozen=True)
class Comparison:
    """The new versions of a service beside the one that is live.

    Attributes:
        models: of a version that newly gets requests, such as `37 models changed, 2 added, 0 removed`; or why
            that is not known. Empty: no version newly gets requests.
        signature: of the same version, such as `signed by ops-2026`; or what is wrong with it.
        is_trusted: whether a key that the set names has signed that version; None: the set names no
            keys, or no store was named.
        breaking: changes of the models' inputs and outputs by which clients break, as far as known.
        quality: a sentence for each version with metrics that the live version has too.
    """

    models: str = ""
    signature: str = ""
    is_trusted: bool | None = None
    breaking: tuple[str, ...] = ()
    quality: tuple[str, ...] = ()


def compare(change: ServiceChange, registry: Registry, store: Store | None) -> Comparison | None:
    """Compare the live version with those that newly get requests or are new in the service; None: no such.

    Args:
        change: the service before and after.
        registry: names the versions, and the keys of the set.
        store: holds the versions; None: they are not compared.
    """
    rerouted = change.compared
    standbys = [pair for pair in change.brought if rerouted is None or pair[1].version != rerouted[1].version]
    if store is None:
        not_compared = "models not compared: no store was named"
        return Comparison(not_compared, "signature not checked") if rerouted else None
    if rerouted is None and not standbys:
        return None
    file = registry.of_set(change.set)
    comparison = _compare_rerouted(*rerouted, file, store) if rerouted else Comparison()
    return replace(comparison, quality=(*comparison.quality, *_quality_of_standbys(standbys, file, store)))


def _compare_rerouted(old: ClusterState, new: ClusterState, file: RegistryFile, store: Store) -> Comparison:
    breaking: tuple[str, ...] = ()
    quality: tuple[str, ...] = ()
    try:
        found = _difference(old, new, file, store)
        changed = counted(len(found.changed), "model")
        models = f"{changed} changed, {len(found.added)} added, {len(found.removed)} removed"
        breaking, quality = found.breaking, tuple(_quality(found, file))
    except BluegridError as error:
        models = f"models not compared: {error}"
    return replace(_with_signature(models, file, new.version, store), breaking=breaking, quality=quality)


def _quality_of_standbys(
    pairs: list[tuple[ClusterState, ClusterState]], file: RegistryFile, store: Store
) -> Iterator[str]:
    for old, new in pairs:
        try:
            yield from _quality(_difference(old, new, file, store), file)
        except BluegridError as error:
            yield f"quality of {new.version} not compared: {error}"


def _difference(old: ClusterState, new: ClusterState, file: RegistryFile, store: Store) -> VersionDifference:
    versions = file.version(old.version), file.version(new.version)
    return compare_versions(store, file.set.id, *versions, with_answers=False)


def _quality(found: VersionDifference, file: RegistryFile) -> Iterator[str]:
    """Yield how the metrics moved; the metric that the set's rollout demands is the first."""
    limit = file.set.update.rollout.quality if file.set.update else None
    demanded = limit.metric if limit else None
    metrics = sorted(found.metrics, key=lambda each: each.metric != demanded)
    if metrics:
        rest = len(metrics) - _METRICS
        also = (
            f"; {rest} more: `bluegrid version diff {found.set} {found.old} {found.new}`" if rest > 0 else ""
        )
        shown = "; ".join(map(_as_code, metrics[:_METRICS]))
        yield f"**quality** {found.old} → {found.new}: {shown}{also}"


def _as_code(change: MetricChange) -> str:
    # Names of metrics come from whoever trained the models, so they are code and no Markdown.
    text = str(change).replace("`", "'")
    return f"`{text}`"


def _with_signature(models: str, file: RegistryFile, version_id: str, store: Store) -> Comparison:
    if not file.set.public_keys:
        return Comparison(models, "unsigned: the set names no keys", None)
    version = file.version(version_id)
    try:
        key = verify_signature(store, file.set.id, version.id, version.manifest, file.set.public_keys)
    except BluegridError as error:
        return Comparison(models, str(error), is_trusted=False)
    return Comparison(models, f"signed by {key}", is_trusted=True)
