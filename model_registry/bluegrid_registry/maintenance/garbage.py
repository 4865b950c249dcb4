"""Garbage collection: deletes what no version needs, while pushes and fetches may run.

put_back_interrupted     restores objects whose deletion an earlier collection did not finish
        │
        ▼
   plan_prune            reads everything and writes nothing         prune_planner.py
        │
        ▼
    PrunePlan ─┬─ report     lists the planned deletions
               └─ execute    deletes, object by object               prune.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_registry.maintenance.prune import put_back_interrupted
from bluegrid_registry.maintenance.prune_planner import plan_prune

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bluegrid_registry.maintenance.prune import GarbageReport
    from bluegrid_registry.registry_files.registry import Registry
    from bluegrid_registry.stores import Store


def collect_garbage(
    store: Store,
    set_id: str,
    registries: Sequence[Registry] = (),
    *,
    apply: bool = False,
    now: datetime | None = None,
) -> GarbageReport:
    """Find the objects that no version of a set needs, and delete them.

    Args:
        store: the store.
        set_id: the model set.
        registries: the versions in them stay. Without any, no version counts as removed.
        apply: delete; False: only report what would be deleted.
        now: the time, for tests; None: by the store's clock.

    Raises:
        IntegrityError, FormatError, ObjectMissing: a commit or a manifest cannot be read. Its needs are then
            unknown, so nothing is deleted.
        StoreError: the store refused or did not answer.
    """
    if apply:
        put_back_interrupted(store, set_id)
    plan = plan_prune(store, set_id, registries, now=now)
    return plan.execute(store) if apply else plan.report
