"""A collection beside pushes, and a killed collection: objects that a push needs stay."""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import (
    Checksum,
    ModelType,
    ObjectMissing,
    Store,
    collect_garbage,
    fetch,
    push,
    verify,
)
from bluegrid_registry.formats.layout import manifest_key, version_key
from tests.integration.stores.versions import version
from tests.support.stores import DiesAtWrite, Killed, Through

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_registry import PushReport
    from tests.integration.stores.conftest import Place
    from tests.integration.stores.versions import AtRest, MakeModels

from tests.integration.stores.garbage import age, keys, registry


class KilledBeforeTheCommit(Through):
    def put_once(self, key: str, data: bytes, checksum: Checksum | None = None) -> None:
        raise Killed


def test_a_push_beside_the_collection_loses_nothing(
    store: Store,
    three: list[PushReport],
    make_models: MakeModels,
    model_type: ModelType,
    place: Place,
    tmp_path: Path,
) -> None:
    """The push finds a killed push's objects just before they are deleted, the manifest first."""
    models = make_models(9, seed=4)
    with pytest.raises(Killed):
        push(KilledBeforeTheCommit(store), "g1", "v4", models, model_type=model_type)
    age(place, 31)

    class PushesBeforeTheDelete(Through):
        def delete(self, key: str) -> None:
            if not self.pushed:
                self.pushed = True
                push(store, "g1", "v4", models, model_type=model_type)
            super().delete(key)

        pushed = False

    report = collect_garbage(PushesBeforeTheDelete(store), "g1", registry(*three), apply=True)
    assert report.deleted == ()
    digest = push(store, "g1", "v4", models, model_type=model_type).manifest
    assert len(fetch(store, "g1", "v4", digest, tmp_path).paths) == 9


def test_what_is_collected_just_when_a_push_writes_it_anew_is_told_by_the_push(
    store: Store,
    three: list[PushReport],
    make_models: MakeModels,
    model_type: ModelType,
    place: Place,
    tmp_path: Path,
) -> None:
    """The commit comes long after the collection has looked for it."""
    models = make_models(9, seed=4)
    with pytest.raises(Killed):
        push(DiesAtWrite(store, 2), "g1", "v4", models, model_type=model_type)
    age(place, 31)
    is_written, is_collected = threading.Event(), threading.Event()

    class CommitsLate(Through):
        def put_once(self, key: str, data: bytes, checksum: Checksum | None = None) -> None:
            is_written.set()
            assert is_collected.wait(60)
            super().put_once(key, data, checksum)

    class DeletesLate(Through):
        def delete(self, key: str) -> None:
            if not pushing:
                late = CommitsLate(store)
                pushing.append(pool.submit(push, late, "g1", "v4", models, model_type=model_type))
                assert is_written.wait(60)
            super().delete(key)

    pushing: list[Future[PushReport]] = []
    with ThreadPoolExecutor() as pool:
        report = collect_garbage(DeletesLate(store), "g1", registry(*three), apply=True)
        is_collected.set()
        with pytest.raises(ObjectMissing, match=r"^set g1 version v4: .* push it again$"):
            pushing[0].result()
    assert len(report.deleted) == 1
    digest = push(store, "g1", "v4", models, model_type=model_type).manifest
    assert len(fetch(store, "g1", "v4", digest, tmp_path).paths) == 9


@pytest.mark.parametrize("what", ["packs", "manifests"])
def test_a_collection_killed_right_after_a_delete_is_put_right_by_the_next(
    what: str,
    store: Store,
    three: list[PushReport],
    make_models: MakeModels,
    model_type: ModelType,
    place: Place,
    at_rest: AtRest,
    tmp_path: Path,
) -> None:
    """A push has relied on the object, and has committed in just that time."""
    pushed = push(store, "g1", "v4", make_models(9, seed=4), model_type=model_type)
    commit = at_rest(version_key("g1", "v4"))
    commit.rename(tmp_path / "commit")
    age(place, 31)
    if what == "packs":
        # Then these objects come first.
        os.utime(at_rest(manifest_key("g1", pushed.manifest)))

    class DiesAfterTheDelete(Through):
        def delete(self, key: str) -> None:
            super().delete(key)
            assert key.split("/")[2] == what
            (tmp_path / "commit").rename(commit)
            raise Killed

    with pytest.raises(Killed):
        collect_garbage(DiesAfterTheDelete(store), "g1", registry(*three), apply=True)
    rows = [version(each) for each in (*three, pushed)]
    assert len(verify(store, "g1", rows).missing) == 1
    collect_garbage(store, "g1", registry(*three), apply=True)
    found = verify(store, "g1", rows)
    assert (found.is_sound, found.extra) == (True, ())
    assert not [key for key in keys(store) if "deleted" in key]


def test_a_push_writes_old_leftovers_anew_before_it_relies_on_them(
    store: Store,
    three: list[PushReport],
    make_models: MakeModels,
    model_type: ModelType,
    place: Place,
) -> None:
    models = make_models(9, seed=4)
    with pytest.raises(Killed):
        push(DiesAtWrite(store, 3), "g1", "v4", models, model_type=model_type)
    age(place, 29)
    pushed = push(store, "g1", "v4", models, model_type=model_type)
    assert pushed.sent_models == 9
    # Objects that the version already refers to are not leftovers, and are not sent again.
    age(place, 29)
    assert push(store, "g1", "v4", models, model_type=model_type).sent_models == 0


def test_an_update_from_a_version_that_is_gone_is_refused(
    store: Store, three: list[PushReport], make_models: MakeModels, model_type: ModelType, at_rest: AtRest
) -> None:
    at_rest(version_key("g1", "v1")).unlink()
    with pytest.raises(ObjectMissing, match=r"^set g1 version v1: is not in "):
        push(store, "g1", "v5", make_models(1), model_type=model_type, base=version(three[0]))


def test_a_push_with_a_clock_that_is_behind_writes_old_leftovers_anew_all_the_same(
    store: Store,
    three: list[PushReport],
    make_models: MakeModels,
    model_type: ModelType,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = make_models(9, seed=4)
    with pytest.raises(Killed):
        push(DiesAtWrite(store, 3), "g1", "v4", given, model_type=model_type)
    age(place, 29)

    class Behind(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) - timedelta(days=9000)

    monkeypatch.setattr("bluegrid_registry.stores.base.datetime", Behind)
    assert push(store, "g1", "v4", given, model_type=model_type).sent_models == 9
