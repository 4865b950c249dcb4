"""Garbage collection, beside writers and readers: what no version needs goes, late and carefully.

put_back_interrupted     deletions that an earlier collection did not finish
        │
        ▼
   plan_prune            reads everything, and writes nothing        prune_planner.py
        │
        ▼
    PrunePlan ─┬─ report     what would be done
               └─ execute    does it, object by object               prune.py
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
    """Find what no version of a set needs, and delete it.

    Args:
        store: the store.
        set_id: the model set.
        registries: the versions that they name stay. None given: no version counts as removed.
        apply: delete; False: only report what would be deleted.
        now: the time, for tests; None: by the store's clock.

    Raises:
        IntegrityError, FormatError, ObjectMissing: a commit or a manifest cannot be read, so that it
            is not known what it needs: nothing is deleted.
        StoreError: the store refused or did not answer.
    """
    if apply:
        put_back_interrupted(store, set_id)
    plan = plan_prune(store, set_id, registries, now=now)
    return plan.execute(store) if apply else plan.report
