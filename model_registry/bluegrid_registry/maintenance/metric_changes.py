"""How the recorded metrics of models moved between two versions.

Whether more is better depends on the metric, so that changes are told as they are: by how many models it rose
and fell, and from which median to which.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from bluegrid_registry.counts import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bluegrid_registry.formats.manifest import ModelRow


@dataclass(frozen=True)
class MetricChange:
    """How one metric moved, over all models that have it in both versions and were trained again."""

    metric: str
    models: int
    """Number of these models."""
    rose: int
    """Models of which it is larger than before."""
    fell: int
    old: float
    """Median before."""
    new: float
    """Median now."""

    def __str__(self) -> str:
        """Return the change as a line, such as `mae 0.04 -> 0.03, fell in 9 of 12 models, rose in 2`."""
        moves = [("rose", self.rose), ("fell", self.fell)]
        (most, count), (other, rest) = sorted(moves, key=lambda move: -move[1])
        of = counted(self.models, "model")
        moved = f"{most} in {count} of {of}" if count else f"the same in {of}"
        middle = "median " if self.models > 1 else ""
        also = f", {other} in {rest}" if rest else ""
        return f"{self.metric} {middle}{self.old:.6g} -> {self.new:.6g}, {moved}{also}"


def metrics_of(row: ModelRow) -> Mapping[str, float]:
    """Return the recorded metrics of a model, by name."""
    return (row.lineage.metrics if row.lineage else None) or {}


def is_trained_again(old: ModelRow, new: ModelRow) -> bool:
    """Whether a model was trained between two versions: its bytes or its lineage differ."""
    return old.lineage != new.lineage or old.sha256 != new.sha256


def moved_metrics(old: ModelRow, new: ModelRow) -> dict[str, tuple[float, float]]:
    """Return the value before and now of each metric that a model has in both versions."""
    before, after = metrics_of(old), metrics_of(new)
    return {name: (before[name], after[name]) for name in before if name in after}


def metric_changes(pairs: Iterable[tuple[ModelRow, ModelRow]]) -> tuple[MetricChange, ...]:
    """Return how each metric moved, by name; empty if no model has one in both versions.

    Args:
        pairs: models as the old and the new version have them; pairs with one lineage are left out.
    """
    values: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for old, new in pairs:
        if is_trained_again(old, new):
            for name, moved in moved_metrics(old, new).items():
                values[name].append(moved)
    return tuple(_change(name, values[name]) for name in sorted(values))


def _change(name: str, values: list[tuple[float, float]]) -> MetricChange:
    return MetricChange(
        metric=name,
        models=len(values),
        rose=sum(new > old for old, new in values),
        fell=sum(new < old for old, new in values),
        old=median(old for old, _ in values),
        new=median(new for _, new in values),
    )
