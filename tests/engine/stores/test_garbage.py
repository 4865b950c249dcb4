"""What no version needs goes, late; what any version or any push needs stays, whatever happens meanwhile."""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import (
    Checksum,
    IntegrityError,
    ModelType,
    ObjectMissing,
    Registry,
    Store,
    collect_garbage,
    fetch,
    push,
    verify,
)
from bluegrid_registry.formats.layout import manifest_key, version_key
from bluegrid_registry.maintenance.prune_planner import GRACE, LAST_GRACE
from bluegrid_registry.registry_files.schema import DeclaredSet, RegistryFile
from tests.engine.stores.versions import small_packs, version
from tests.support.stores import DiesAtWrite, Killed, Through

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_registry import PushReport
    from tests.engine.stores.conftest import Place
    from tests.engine.stores.versions import AtRest, MakeModels


DAY = timedelta(days=1)


@pytest.fixture
def three(
    store: Store, make_models: MakeModels, model_type: ModelType, monkeypatch: pytest.MonkeyPatch
) -> list[PushReport]:
    """v1, v2 which is v1 with one model changed, and v3 with all other models."""
    small_packs(monkeypatch)
    first = push(store, "g1", "v1", make_models(9), model_type=model_type)
    second = push(store, "g1", "v2", make_models(1, seed=2), model_type=model_type, base=version(first))
    return [first, second, push(store, "g1", "v3", make_models(9, seed=3), model_type=model_type)]


def registry(*pushed: PushReport) -> list[Registry]:
    declared = DeclaredSet.model_validate(
        {"id": "g1", "name": "n", "task": "t", "type": "scikit-learn/skops", "source": "platform"}
    )
    return [Registry((RegistryFile(set=declared, versions=tuple(map(version, pushed))),))]


def later(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def keys(store: Store) -> set[str]:
    return {found.key for found in store.keys("sets/")}


def age(place: Place, days: float) -> None:
    """Make every object of the store look as if it had been written `days` ago."""
    then = (datetime.now(UTC) - timedelta(days=days)).timestamp()
    for path in place.folder.rglob("*"):
        if path.is_file():
            os.utime(path, (then, then))


def test_without_delete_nothing_is_written(store: Store, three: list[PushReport], place: Place) -> None:
    age(place, 100)
    before = keys(store)
    report = collect_garbage(store, "g1", registry(three[0]), now=later(100))
    assert sorted(report.waiting) == ["v2", "v3"]
    assert keys(store) == before


def test_a_removed_version_is_kept_for_30_days_and_then_goes_in_two_steps(
    store: Store, three: list[PushReport], place: Place, tmp_path: Path
) -> None:
    age(place, 100)
    named = registry(*three[:2])
    first = collect_garbage(store, "g1", named, apply=True)
    assert list(first.waiting) == ["v3"]
    assert collect_garbage(store, "g1", named, apply=True, now=later(29)).deleted == ()
    fetch(store, "g1", "v3", three[2].manifest, tmp_path / "still there")
    expired = collect_garbage(store, "g1", named, apply=True, now=later(31))
    assert (expired.expired, expired.deleted) == (("v3",), ())
    with pytest.raises(ObjectMissing):
        fetch(store, "g1", "v3", three[2].manifest, tmp_path / "gone")
    gone = collect_garbage(store, "g1", named, apply=True, now=later(33))
    assert len(gone.deleted) == 4
    assert not [key for key in keys(store) if "v3" in key]
    report = verify(store, "g1", [version(pushed) for pushed in three[:2]])
    assert report.is_sound
    assert report.extra == ()


def test_what_another_version_refers_to_stays(
    store: Store, three: list[PushReport], place: Place, tmp_path: Path
) -> None:
    """v2 lies mostly in v1's packs."""
    age(place, 100)
    named = registry(three[1])
    for days in (0, 31, 33):
        collect_garbage(store, "g1", named, apply=True, now=later(days))
    assert len(fetch(store, "g1", "v2", three[1].manifest, tmp_path).paths) == 9
    assert verify(store, "g1", [version(three[1])]).extra == ()


def test_a_version_that_is_named_again_is_back_whole(
    store: Store, three: list[PushReport], place: Place, tmp_path: Path
) -> None:
    age(place, 100)
    collect_garbage(store, "g1", registry(*three[:2]), apply=True)
    back = collect_garbage(store, "g1", registry(*three), apply=True, now=later(29))
    assert back.revived == ("v3",)
    # The 30 days begin anew.
    again = collect_garbage(store, "g1", registry(*three[:2]), apply=True, now=later(40))
    assert list(again.waiting) == ["v3"]
    assert len(fetch(store, "g1", "v3", three[2].manifest, tmp_path).paths) == 9


def test_what_any_registry_names_stays(store: Store, three: list[PushReport], place: Place) -> None:
    age(place, 100)
    regions = [*registry(three[0]), *registry(three[1]), *registry(three[2])]
    for days in (0, 31, 33):
        report = collect_garbage(store, "g1", regions, apply=True, now=later(days))
        assert (report.versions, report.deleted) == (3, ())


def test_without_a_registry_no_version_is_taken_for_removed(
    store: Store, three: list[PushReport], place: Place
) -> None:
    age(place, 100)
    before = keys(store)
    collect_garbage(store, "g1", apply=True, now=later(100))
    assert keys(store) == before


def test_what_a_killed_push_has_left_goes_after_30_days(
    store: Store,
    three: list[PushReport],
    make_models: MakeModels,
    model_type: ModelType,
    place: Place,
) -> None:
    with pytest.raises(Killed):
        push(DiesAtWrite(store, 2), "g1", "v4", make_models(9, seed=4), model_type=model_type)
    left = keys(store)
    assert collect_garbage(store, "g1", registry(*three), apply=True).deleted == ()
    assert keys(store) == left
    age(place, 31)
    assert len(collect_garbage(store, "g1", registry(*three), apply=True).deleted) == 2


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
    """The push finds what a killed one has left just when it is about to go, the manifest first."""
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
    """The commit comes long after collection has looked for it."""
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
    """A push has relied on it, and has committed in just that time."""
    pushed = push(store, "g1", "v4", make_models(9, seed=4), model_type=model_type)
    commit = at_rest(version_key("g1", "v4"))
    commit.rename(tmp_path / "commit")
    age(place, 31)
    if what == "packs":
        # Then it is their turn first.
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
    # What the version itself refers to already is no leftover, and is not sent again.
    age(place, 29)
    assert push(store, "g1", "v4", models, model_type=model_type).sent_models == 0


def test_an_update_from_a_version_that_is_gone_is_refused(
    store: Store, three: list[PushReport], make_models: MakeModels, model_type: ModelType, at_rest: AtRest
) -> None:
    at_rest(version_key("g1", "v1")).unlink()
    with pytest.raises(ObjectMissing, match=r"^set g1 version v1: is not in "):
        push(store, "g1", "v5", make_models(1), model_type=model_type, base=version(three[0]))


@pytest.mark.parametrize("what", ["commit", "manifest", "note"])
def test_where_something_cannot_be_read_nothing_is_deleted(
    what: str, store: Store, three: list[PushReport], place: Place, at_rest: AtRest
) -> None:
    collect_garbage(store, "g1", registry(*three[1:]), apply=True)
    age(place, 100)
    key = {
        "commit": version_key("g1", "v3"),
        "manifest": manifest_key("g1", three[2].manifest),
        "note": "sets/g1/removed/v1.json",
    }[what]
    at_rest(key).write_bytes(b"rot")
    before = keys(store)
    with pytest.raises(IntegrityError, match=r"^set g1 version v[13]: "):
        collect_garbage(store, "g1", registry(*three[1:]), apply=True, now=later(100))
    assert keys(store) == before


def test_signatures_go_with_their_manifest(
    store: Store, three: list[PushReport], place: Place, at_rest: AtRest
) -> None:
    signed = manifest_key("g1", three[2].manifest).replace(".json.zst", f".{'a' * 64}.sig.json")
    store.put(signed, b"{}", Checksum.of(b"{}"))
    age(place, 100)
    collect_garbage(store, "g1", registry(*three), apply=True, now=later(100))
    assert signed in keys(store)
    for days in (0, 31, 33):
        collect_garbage(store, "g1", registry(*three[:2]), apply=True, now=later(days))
    assert signed not in keys(store)


def test_a_clock_that_was_wrong_when_the_removal_was_noted_ends_no_version_early(
    store: Store, three: list[PushReport], place: Place, at_rest: AtRest
) -> None:
    """The note says 2001, as of a machine before its clock was set; the store has written it just now."""
    collect_garbage(store, "g1", registry(*three[:2]), apply=True)
    note = at_rest("sets/g1/removed/v3.json")
    note.write_text(note.read_text().replace(str(datetime.now(UTC).year), "2001"))
    report = collect_garbage(store, "g1", registry(*three[:2]), apply=True)
    assert (list(report.waiting), report.expired) == (["v3"], ())


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


def test_a_clock_that_is_ahead_now_deletes_nothing_early(
    store: Store, three: list[PushReport], place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect_garbage(store, "g1", registry(*three[:2]), apply=True)
    before = keys(store)

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(days=400)

    for module in ("stores.base", "maintenance.prune_planner"):
        monkeypatch.setattr(f"bluegrid_registry.{module}.datetime", Ahead)
    report = collect_garbage(store, "g1", registry(*three[:2]), apply=True)
    assert (list(report.waiting), report.expired, report.deleted) == (["v3"], (), ())
    assert keys(store) == before


def test_by_the_stores_own_times_a_removed_version_goes_after_30_days_and_what_it_needed_a_day_later(
    store: Store, three: list[PushReport], place: Place
) -> None:
    age(place, 100)
    named = registry(*three[:2])
    collect_garbage(store, "g1", named, apply=True)
    age(place, 29)
    assert list(collect_garbage(store, "g1", named, apply=True).waiting) == ["v3"]
    age(place, 31)
    assert collect_garbage(store, "g1", named, apply=True).expired == ("v3",)
    age(place, 0.9)
    assert collect_garbage(store, "g1", named, apply=True).deleted == ()
    age(place, 31)
    assert len(collect_garbage(store, "g1", named, apply=True).deleted) == 4
    assert not [key for key in keys(store) if "v3" in key]


def test_a_version_that_is_pushed_again_after_it_has_gone_has_its_30_days_again(
    store: Store, three: list[PushReport], make_models: MakeModels, model_type: ModelType, place: Place
) -> None:
    named = registry(*three[:2])
    collect_garbage(store, "g1", named, apply=True)
    age(place, 31)
    assert collect_garbage(store, "g1", named, apply=True).expired == ("v3",)
    age(place, 0.5)
    push(store, "g1", "v3", make_models(9, seed=3), model_type=model_type)
    report = collect_garbage(store, "g1", named, apply=True)
    assert (list(report.waiting), report.expired) == (["v3"], ())


def test_what_killed_writers_left_of_files_and_probes_goes_after_30_days(
    store: Store, three: list[PushReport], place: Place, at_rest: AtRest
) -> None:
    left = at_rest("sets/g1/packs/ab/.abc.mpk.1234.partial")
    if not store.url.startswith("file:"):
        left = at_rest("probes/1234/probe")
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_bytes(b"half a pack")
    assert collect_garbage(store, "g1", registry(*three), apply=True).deleted == ()
    assert left.exists()
    age(place, 31)
    report = collect_garbage(store, "g1", registry(*three), apply=True)
    assert report.deleted == (left.relative_to(place.folder).as_posix(),)
    assert report.deleted_bytes == 11
    assert not left.exists()


def test_what_is_read_of_each_version_is_read_at_once(store: Store, three: list[PushReport]) -> None:
    together = threading.Barrier(3, timeout=60)

    class Together(Through):
        def get(self, key: str) -> bytes:
            together.wait()
            return super().get(key)

    assert collect_garbage(Together(store), "g1", registry(*three)).versions == 3


def test_the_times_are_as_documented() -> None:
    assert (GRACE, LAST_GRACE) == (30 * DAY, DAY)
