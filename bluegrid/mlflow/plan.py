"""Which models an import changes: those whose run is another one than in the version that it adds to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bluegrid.mlflow.lineage import VERSION

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from bluegrid.mlflow.sources import ModelOrigin, Origins
    from bluegrid_registry import Lineage, Manifest


@dataclass(frozen=True)
class ImportPlan:
    """What an import does to the newest version of a set.

    Attributes:
        added: origins of models that the version does not have.
        changed: origins of models that the version has from another run.
        unchanged: number of models that the version has from the same run.
        without: experiments without a finished run, or registered models without the alias.
        others: UIDs of models of the version that the pattern does not find; they stay.
    """

    added: Sequence[ModelOrigin]
    changed: Sequence[ModelOrigin]
    unchanged: int
    without: Sequence[str]
    others: Sequence[str]

    @property
    def wanted(self) -> Sequence[ModelOrigin]:
        """The origins of the models to download, by UID."""
        return sorted((*self.added, *self.changed), key=lambda origin: origin.uid)

    def except_for(self, uids: Collection[str]) -> ImportPlan:
        """Return the plan without models that cannot be imported."""
        added = [origin for origin in self.added if origin.uid not in uids]
        changed = [origin for origin in self.changed if origin.uid not in uids]
        return replace(self, added=added, changed=changed)


def plan_import(origins: Origins, base: Manifest | None) -> ImportPlan:
    """Compare the origins with the lineage of a version.

    Args:
        origins: what the models would come from.
        base: the newest version; None: the set has none.
    """
    known = {row.uid: row.lineage for row in base.models} if base else {}
    added = [origin for uid, origin in origins.found.items() if uid not in known]
    changed = [
        origin
        for uid, origin in origins.found.items()
        if uid in known and _identity(known[uid]) != (origin.identity, origin.number)
    ]
    return ImportPlan(
        added=added,
        changed=changed,
        unchanged=len(origins.found) - len(added) - len(changed),
        without=origins.without,
        others=sorted(known.keys() - origins.found.keys()),
    )


def _identity(lineage: Lineage | None) -> tuple[str | None, str | None]:
    if lineage is None:
        return None, None
    return lineage.run, (lineage.tags or {}).get(VERSION)
