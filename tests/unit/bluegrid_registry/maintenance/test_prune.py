"""The plan of a garbage collection: made without a write, and safe to execute beside pushes."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import (
    Checksum,
    ModelType,
    PushReport,
    Registry,
    SourceModel,
    Store,
    collect_garbage,
    fetch_bytes,
    plan_prune,
    push,
)
from bluegrid_registry.registry_files.model_set_schema import DeclaredSet, RegistryFile

if TYPE_CHECKING:
    from pathlib import Path

TYPE = ModelType.parse("scikit-learn/skops")
MODELS = {"v1": b"the first model", "v2": b"the second model", "v3": b"the third model"}


@pytest.fixture
def folder(store: Store, tmp_path: Path) -> Path:
    return tmp_path / "store"


def pushed(store: Store, version: str) -> PushReport:
    return push(store, "g1", version, [SourceModel("line-1", MODELS[version])], model_type=TYPE)


def naming(*reports: PushReport) -> list[Registry]:
    declared = DeclaredSet.model_validate(
        {"id": "g1", "name": "n", "task": "t", "type": str(TYPE), "source": "platform"}
    )
    return [Registry((RegistryFile(set=declared, versions=tuple(each.row for each in reports)),))]


def stored(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def age(folder: Path, days: float) -> None:
    then = (datetime.now(UTC) - timedelta(days=days)).timestamp()
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (then, then))


def orphan(store: Store, folder: Path, version: str) -> None:
    """Leave the pack and the manifest of a push that was killed before its commit, 100 days ago."""
    pushed(store, version)
    (folder / f"sets/g1/versions/{version}.json").unlink()
    age(folder, 100)


def test_a_plan_names_what_goes_and_writes_nothing(store: Store, folder: Path) -> None:
    first = pushed(store, "v1")
    orphan(store, folder, "v2")
    removed = pushed(store, "v3")
    before = stored(folder)
    plan = plan_prune(store, "g1", naming(first))
    assert stored(folder) == before
    assert [each.key.split("/")[2] for each in plan.garbage] == ["manifests", "manifests", "packs"]
    assert [*plan.waiting] == [each.version for each in plan.tombstones] == [removed.version]
    assert (plan.kept, plan.expired, plan.revived, plan.lifted) == (1, (), (), ())


def test_a_dry_run_reports_what_the_plan_says(store: Store, folder: Path) -> None:
    first = pushed(store, "v1")
    orphan(store, folder, "v2")
    plan = plan_prune(store, "g1", naming(first))
    report = collect_garbage(store, "g1", naming(first))
    assert report == plan.report
    assert not report.applied
    assert report.deleted == tuple(each.key for each in plan.garbage)
    assert report.deleted_bytes == sum(each.size for each in plan.garbage)


def test_executing_a_plan_does_what_it_says(store: Store, folder: Path) -> None:
    first = pushed(store, "v1")
    orphan(store, folder, "v2")
    plan = plan_prune(store, "g1", naming(first))
    report = plan.execute(store)
    assert report.applied
    assert report.deleted == plan.report.deleted
    assert plan_prune(store, "g1", naming(first)).garbage == ()
    assert fetch_bytes(store, "g1", "v1", first.manifest) == {"line-1": MODELS["v1"]}


def test_a_version_that_was_pushed_since_the_plan_keeps_what_it_needs(store: Store, folder: Path) -> None:
    first = pushed(store, "v1")
    orphan(store, folder, "v2")
    plan = plan_prune(store, "g1", naming(first))
    again = pushed(store, "v2")
    # The push has written them again; a store whose clock stands still shows the same times.
    age(folder, 100)
    assert plan.execute(store).deleted == ()
    assert fetch_bytes(store, "g1", "v2", again.manifest) == {"line-1": MODELS["v2"]}


def test_an_object_that_was_written_anew_since_the_plan_stays(store: Store, folder: Path) -> None:
    first = pushed(store, "v1")
    orphan(store, folder, "v2")
    plan = plan_prune(store, "g1", naming(first))
    (pack,) = (each.key for each in plan.garbage if "/packs/" in each.key)
    data = store.get(pack)
    store.put(pack, data, Checksum.of(data))
    assert pack not in plan.execute(store).deleted
    assert store.get(pack) == data
    assert not [*store.keys("sets/g1/deleted/")]


def test_an_expired_version_loses_its_commit_and_keeps_its_objects_a_day(store: Store, folder: Path) -> None:
    first, removed = pushed(store, "v1"), pushed(store, "v2")
    plan_prune(store, "g1", naming(first)).execute(store)
    age(folder, 31)
    plan = plan_prune(store, "g1", naming(first))
    assert (plan.expired, plan.garbage) == (("v2",), ())
    plan.execute(store)
    assert [each.key for each in store.keys("sets/g1/versions/")] == ["sets/g1/versions/v1.json"]
    assert removed.manifest.removeprefix("sha256:") in "".join(
        each.key for each in store.keys("sets/g1/manifests/")
    )
