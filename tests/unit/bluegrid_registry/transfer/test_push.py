"""Push: the objects sent, the number of requests, and the objects sent again after a kill."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import (
    ChecksumAlgorithm,
    IntegrityError,
    ProgressEvent,
    SourceModel,
    StoreError,
    VersionConflict,
    push,
    read_manifest,
)
from bluegrid_registry.formats.checksums import Checksum
from bluegrid_registry.formats.layout import manifest_key, pack_key
from bluegrid_registry.stores.base import Capabilities, StoredObject
from bluegrid_registry.transfer.config import TransferConfig
from tests.support.stores import DiesAtWrite, Killed, Recording, Through
from tests.unit.bluegrid_registry.pushes import TYPE, contents, models, use, version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bluegrid_registry import Store


@pytest.fixture
def small_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, TransferConfig(pack_bytes=5000))


def test_a_stream_is_read_only_a_little_ahead_of_what_is_stored(
    store: Store, small_packs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "bluegrid_registry.transfer.config.DEFAULT", TransferConfig(pack_bytes=5000, read_models=10)
    )
    events: list[ProgressEvent] = []
    ahead: list[int] = []

    def stream() -> Iterator[SourceModel]:
        for number, model in enumerate(models(600)):
            ahead.append(number - (events[-1].models if events else 0))
            yield model

    report = push(store, "g1", "v1", stream(), model_type=TYPE, progress=events.append)
    assert report.models == 600
    assert max(ahead) < 80
    assert {event.models_total for event in events} == {None}


def test_an_update_of_one_model_takes_three_round_trips(store: Store) -> None:
    base = push(store, "g1", "v1", models(200), model_type=TYPE)
    counted = Recording(store)
    report = push(counted, "g1", "v2", models(1, seed=2), model_type=TYPE, base=version(base))
    # The base's two requests and the look for the version run in parallel, as do the pack and the manifest.
    assert sorted(counted.requests[:3]) == ["get manifests", "get versions", "get versions"]
    assert sorted(counted.requests[3:5]) == ["put manifests", "put packs"]
    assert counted.requests[5:] == ["put_once versions"]
    assert (report.models, report.sent_models) == (200, 1)
    assert report.sent_bytes < 0.06 * base.sent_bytes


@pytest.mark.parametrize("packs", ["one", "many"])
def test_a_push_of_what_is_there_sends_nothing(
    packs: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    if packs == "many":
        use(monkeypatch, TransferConfig(pack_bytes=5000))
    there = push(store, "g1", "v1", models(12), model_type=TYPE)
    counted = Recording(store)
    again = push(counted, "g1", "v1", models(12), model_type=TYPE)
    assert (again.manifest, again.already_there, again.sent_bytes) == (there.manifest, True, 0)
    assert Counter(counted.requests) == {
        "get versions": 1,
        "get manifests": 1,
        "keys packs": 1,
        "get_range packs": there.packs,
        # The store makes the copies of a small version again.
        **({"copy packs": 1} if packs == "one" else {}),
    }


def test_a_push_of_what_is_there_waits_for_the_commit_alone_before_it_reads_the_rest(store: Store) -> None:
    push(store, "g1", "v1", models(12), model_type=TYPE)
    together = threading.Barrier(2, timeout=60)

    class Together(Through):
        def get(self, key: str) -> bytes:
            if "/manifests/" in key:
                together.wait()
            return super().get(key)

        def get_range(self, key: str, offset: int, length: int) -> bytes:
            together.wait()
            return super().get_range(key, offset, length)

    assert push(Together(store), "g1", "v1", models(12), model_type=TYPE).already_there


def test_at_most_one_pack_and_the_manifest_are_sent_under_a_version_that_exists_with_other_models(
    store: Store, small_packs: None
) -> None:
    push(store, "g1", "v1", models(12), model_type=TYPE)
    counted = Recording(store)
    with pytest.raises(VersionConflict, match="exists with other models"):
        push(counted, "g1", "v1", models(12, seed=2), model_type=TYPE)
    # These two wait for no response; the other three packs wait for that of the look for the version.
    assert counted.count("put") <= Counter({"packs": 1, "manifests": 1})
    assert not counted.count("put_once")


def test_a_model_larger_than_a_pack_is_not_sent_under_a_version_that_exists(
    store: Store, small_packs: None
) -> None:
    push(store, "g1", "v1", models(12), model_type=TYPE)
    counted = Recording(store)
    huge = SourceModel("huge", random.Random(1).randbytes(20_000))
    with pytest.raises(VersionConflict, match="exists with other models"):
        push(counted, "g1", "v1", [huge], model_type=TYPE)
    assert not counted.count("put")["packs"]


def test_a_store_that_cannot_be_probed_is_told(store: Store) -> None:
    class Broken(Through):
        def probe(self) -> Capabilities:
            raise StoreError("the probe came to nothing")

    with pytest.raises(StoreError, match="came to nothing"):
        push(Broken(store), "g1", "v1", models(3), model_type=TYPE)
    assert not list(store.keys("sets/g1/versions/"))
    push(store, "g1", "v1", models(3), model_type=TYPE)
    # Also where nothing has to be written.
    with pytest.raises(StoreError, match="came to nothing"):
        push(Broken(store), "g1", "v1", models(3), model_type=TYPE)


def test_a_commit_that_the_store_has_taken_is_not_read_back(store: Store) -> None:
    counted = Recording(store)
    push(counted, "g1", "v1", models(3), model_type=TYPE)
    commit = counted.requests.index("put_once versions")
    assert not [request for request in counted.requests[commit:] if request.startswith("get")]


def test_a_commit_is_read_back_where_two_may_win(store: Store) -> None:
    class TakesBoth(Through):
        """A store that also accepts the commit of another push that ends meanwhile."""

        def probe(self) -> Capabilities:
            return replace(super().probe(), single_winner=False)

        def put_once(self, key: str, data: bytes, checksum: Checksum | None = None) -> None:
            self.store.put_once(key, data, checksum)
            self.store.delete(key)
            push(self.store, "g1", "v1", models(3, seed=2), model_type=TYPE)

    message = r"^set g1 version v1: another push has published other models .* push under a new version ID$"
    with pytest.raises(VersionConflict, match=message):
        push(TakesBoth(store), "g1", "v1", models(3), model_type=TYPE)


def test_a_push_whose_own_commit_was_stored_before_its_answer_was_lost_has_published(store: Store) -> None:
    class LosesTheAnswer(Through):
        """A store that refuses the second attempt, as the first has written."""

        def put_once(self, key: str, data: bytes, checksum: Checksum | None = None) -> None:
            self.store.put_once(key, data, checksum)
            self.store.put_once(key, data, checksum)

    assert not push(LosesTheAnswer(store), "g1", "v1", models(3), model_type=TYPE).already_there


def test_a_small_push_sends_its_pack_and_manifest_before_it_knows_whether_the_version_exists(
    store: Store,
) -> None:
    everything = threading.Barrier(3, timeout=60)

    class Together(Through):
        def get(self, key: str) -> bytes:
            everything.wait()
            return super().get(key)

        def put(self, key: str, data: bytes, checksum: Checksum, *, replace: bool = True) -> None:
            everything.wait()
            super().put(key, data, checksum, replace=replace)

    report = push(Together(store), "g1", "v1", models(3), model_type=TYPE)
    assert (report.models, report.already_there) == (3, False)


class AnswersLate(Through):
    """Answers whether the version exists only after the pack and the manifest have arrived."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.arrived = threading.Semaphore(0)

    def get(self, key: str) -> bytes:
        if "/versions/" in key:
            for _ in range(2):
                assert self.arrived.acquire(timeout=60)
        return super().get(key)

    def put(self, key: str, data: bytes, checksum: Checksum, *, replace: bool = True) -> None:
        try:
            super().put(key, data, checksum, replace=replace)
        finally:
            self.arrived.release()


def test_what_was_sent_before_a_refusal_is_visible_to_no_reader(store: Store, tmp_path: Path) -> None:
    given = models(12)
    first = push(store, "g1", "v1", given, model_type=TYPE)
    visible = [found.key for found in store.keys("sets/g1/versions/")]
    with pytest.raises(VersionConflict, match="exists with other models"):
        push(AnswersLate(store), "g1", "v1", models(12, seed=2), model_type=TYPE)
    assert [found.key for found in store.keys("sets/g1/versions/")] == visible
    assert contents(store, first, tmp_path) == {model.uid: model.content for model in given}


def test_a_repeated_push_that_sent_before_it_knew_is_a_success_and_stores_nothing(store: Store) -> None:
    given = models(12)
    first = push(store, "g1", "v1", given, model_type=TYPE)
    stored = {found.key: found.modified for found in store.keys("")}
    again = push(AnswersLate(store), "g1", "v1", given, model_type=TYPE)
    assert (again.already_there, again.row, again.sent_bytes) == (True, first.row, 0)
    assert {found.key: found.modified for found in store.keys("")} == stored


def test_a_lost_race_that_looks_like_damage_is_told_as_a_lost_race(store: Store) -> None:
    class ReadsBackAnothers(Through):
        def put_once(self, key: str, data: bytes, checksum: Checksum | None = None) -> None:
            push(self.store, "g1", "v1", models(3, seed=2), model_type=TYPE)
            raise IntegrityError("the server holds other bytes than were sent")

    with pytest.raises(VersionConflict, match="another push has published other models"):
        push(ReadsBackAnothers(store), "g1", "v1", models(3), model_type=TYPE)


def test_a_commit_that_the_store_has_damaged_is_told_as_damage(store: Store) -> None:
    class Damages(Through):
        def put_once(self, key: str, data: bytes, checksum: Checksum | None = None) -> None:
            self.store.put(key, data[:-9], Checksum.of(data[:-9]))
            raise IntegrityError("the server holds other bytes than were sent")

    with pytest.raises(IntegrityError, match="the server holds other bytes than were sent"):
        push(Damages(store), "g1", "v1", models(3), model_type=TYPE)


def test_the_manifest_is_sent_beside_the_last_packs(store: Store, small_packs: None) -> None:
    together = threading.Barrier(5, timeout=60)

    class Together(Through):
        def put(self, key: str, data: bytes, checksum: Checksum, *, replace: bool = True) -> None:
            together.wait()
            super().put(key, data, checksum, replace=replace)

    report = push(Together(store), "g1", "v1", models(12), model_type=TYPE)
    assert report.packs == 4


def test_a_first_push_asks_once_which_packs_are_there(store: Store, small_packs: None) -> None:
    counted = Recording(store)
    push(counted, "g1", "v1", models(12), model_type=TYPE)
    assert Counter(counted.requests) == {
        "keys packs": 1,
        "put packs": 4,
        "put manifests": 1,
        "put_once versions": 1,
        "get versions": 1,
    }


def test_the_first_pack_does_not_wait_for_the_list_and_the_others_do(store: Store, small_packs: None) -> None:
    first_is_sent = threading.Event()
    asked: list[str] = []

    class ListsLate(Through):
        def keys(self, prefix: str) -> Iterator[StoredObject]:
            assert first_is_sent.wait(10)
            asked.append("list")
            return super().keys(prefix)

        def put(self, key: str, data: bytes, checksum: Checksum, *, replace: bool = True) -> None:
            asked.append(key.split("/")[2])
            super().put(key, data, checksum, replace=replace)
            first_is_sent.set()

    push(ListsLate(store), "g1", "v1", models(12), model_type=TYPE)
    asked.remove("manifests")
    assert asked == ["packs", "list", "packs", "packs", "packs"]


@pytest.mark.parametrize("what", ["is refused", "is too long", "names nothing", "names all"])
def test_a_list_of_packs_is_only_a_hint(
    what: str, store: Store, small_packs: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = 3 if what == "is too long" else 1000
    monkeypatch.setattr(
        "bluegrid_registry.transfer.config.DEFAULT", TransferConfig(pack_bytes=5000, listed_packs=listed)
    )
    given = models(12)
    there = push(store, "g1", "v1", given, model_type=TYPE)
    packs = [pack_key("g1", row.name) for row in read_manifest(store, "g1", "v1", there.manifest).packs]
    gone = () if what == "names nothing" else packs[::2]
    for key in gone:
        store.delete(key)

    class Lists(Through):
        def keys(self, prefix: str) -> Iterator[StoredObject]:
            if what == "is refused":
                raise StoreError("access denied")
            found = super().keys(prefix)
            if what == "names all":
                return iter([StoredObject(key, 1, datetime.now(UTC)) for key in packs])
            return iter(()) if what == "names nothing" else found

    report = push(Lists(store), "g1", "v2", given, model_type=TYPE)
    assert report.sent_models == (12 if what in {"names nothing", "is refused"} else 6)
    assert contents(store, report, tmp_path) == {model.uid: model.content for model in given}


@pytest.mark.parametrize("writes", range(6))
def test_a_killed_push_sends_nothing_again(
    writes: int,
    store: Store,
    tmp_path: Path,
    small_packs: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "bluegrid_registry.transfer.config.DEFAULT", TransferConfig(pack_bytes=5000, uploads=1)
    )
    given = models(12)
    with pytest.raises(Killed):
        push(DiesAtWrite(store, writes), "g1", "v1", given, model_type=TYPE)
    report = push(store, "g1", "v1", given, model_type=TYPE)
    assert report.sent_models == 12 - 3 * min(writes, 4)
    assert (report.sent_bytes == 0) == (writes >= 5)
    assert contents(store, report, tmp_path) == {model.uid: model.content for model in given}


@pytest.mark.parametrize("what", ["pack", "manifest"])
@pytest.mark.parametrize("harm", ["flipped", "truncated", "longer"])
def test_a_damaged_object_is_replaced(
    harm: str, what: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, TransferConfig(compared_bytes=1000))
    given = models(5)
    first = push(store, "g1", "v1", given, model_type=TYPE)
    (pack,) = read_manifest(store, "g1", "v1", first.manifest).packs
    key = pack_key("g1", pack.name) if what == "pack" else manifest_key("g1", first.manifest)
    path = tmp_path / "store" / key
    data = path.read_bytes()
    flipped = data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]
    path.write_bytes({"flipped": flipped, "truncated": data[:-1], "longer": data + b"x"}[harm])
    second = push(store, "g1", "v1", given, model_type=TYPE)
    assert path.read_bytes() == data
    assert (second.packs_healed, second.already_there) == (int(what == "pack"), True)


def test_the_checksum_on_the_way_changes_nothing_that_is_stored(store: Store) -> None:
    first = push(store, "g1", "v1", models(5), model_type=TYPE)
    second = push(store, "g1", "v1", models(5), model_type=TYPE, algorithm=ChecksumAlgorithm.SHA256)
    assert (second.manifest, second.already_there, second.packs_healed) == (first.manifest, True, 0)


def test_progress_counts_the_models_that_were_given(store: Store, small_packs: None) -> None:
    base = push(store, "g1", "v1", models(9), model_type=TYPE)
    events: list[ProgressEvent] = []
    given = [*models(9, seed=2)[:7], *models(9)[7:]]
    push(store, "g1", "v2", given, model_type=TYPE, base=version(base), progress=events.append)
    assert [event.models for event in events][-1] == 9
    assert {event.models_total for event in events} == {9}
    assert [event.is_committed for event in events] == [False] * (len(events) - 1) + [True]
