"""Models of three feeders in a set, stored by OpenSTEF's workflows, and what its versions then have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bluegrid_registry import Lineage, Manifest, load_set, open_store, read_manifest
from tests.integration.openstef.inside.pipelines import Series, new_workflow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bluegrid_openstef.storage import BluegridStorage

FEEDERS = ("mv_feeder/OS Edam", "mv_feeder/OS Gorredijk", "transformer 7")
ALWAYS: Mapping[str, Any] = {"model_reuse_enable": False, "model_selection_enable": False}
"""Every fit gives a new model."""


def versions(storage: BluegridStorage) -> list[str]:
    return [each.id for each in load_set(storage.registry, "load").versions]


def manifest(storage: BluegridStorage, version: str) -> Manifest:
    row = load_set(storage.registry, "load").version(version)
    return read_manifest(open_store(str(storage.store)), "load", version, row.manifest)


def lineage(storage: BluegridStorage, version: str, uid: str) -> Lineage:
    (found,) = (row.lineage for row in manifest(storage, version).models if row.uid == uid)
    assert found is not None
    return found


def fit(storage: Any, uid: str, series: Series, kind: str = "constant_quantile", **changed: Any) -> Any:
    """Fit a workflow; return it and the result, which is None if fitting was skipped."""
    workflow = new_workflow(uid, storage, kind, **changed)
    return workflow, workflow.fit(series.data)


def digests(storage: BluegridStorage, version: str) -> Mapping[str, str]:
    return {row.uid: row.sha256 for row in manifest(storage, version).models}
