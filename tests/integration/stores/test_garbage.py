"""Objects that no version needs are deleted late; objects that a version needs stay."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import (
    Checksum,
    IntegrityError,
    ModelType,
    ObjectMissing,
    Store,
    collect_garbage,
    fetch,
    push,
    verify,
)
from bluegrid_registry.formats.layout import manifest_key, version_key
from bluegrid_registry.maintenance.prune_planner import GRACE, LAST_GRACE
from tests.integration.stores.garbage import age, keys, later, registry
from tests.integration.stores.versions import version
from tests.support.stores import DiesAtWrite, Killed, Through

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_registry import PushReport
    from tests.integration.stores.conftest import Place
    from tests.integration.stores.versions import AtRest, MakeModels


DAY = timedelta(days=1)


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
    # The 30 days begin again.
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
    """The note says 2001, from a machine without a set clock; the store has written the note just now."""
    collect_garbage(store, "g1", registry(*three[:2]), apply=True)
    note = at_rest("sets/g1/removed/v3.json")
    note.write_text(note.read_text().replace(str(datetime.now(UTC).year), "2001"))
    report = collect_garbage(store, "g1", registry(*three[:2]), apply=True)
    assert (list(report.waiting), report.expired) == (["v3"], ())


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
