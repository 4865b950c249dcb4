"""The life of versions on a folder and on S3 servers that bluegrid was not developed against."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import (
    Checksum,
    IntegrityError,
    ModelType,
    PushReport,
    Store,
    StoreError,
    VersionConflict,
    collect_garbage,
    fetch_bytes,
    open_store,
    push,
    verify,
)
from bluegrid_registry.formats.layout import pack_key, version_key
from bluegrid_registry.stores.versions import read_manifest
from tests.integration.stores.garbage import keys, registry
from tests.integration.stores.servers import TAKEN
from tests.integration.stores.versions import small_packs, version
from tests.support.stores import flipped

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.stores.versions import MakeModels


@pytest.fixture(params=["file", "versitygw", *TAKEN])
def url(request: pytest.FixtureRequest, url_on: Callable[[str], str]) -> str:
    if request.param == "file":
        folder = request.getfixturevalue("tmp_path") / "store"
        folder.mkdir()
        return f"file://{folder}"
    if request.param == "versitygw":
        return str(request.getfixturevalue("s3_place").url)
    return url_on(request.param)


@pytest.fixture
def store(url: str) -> Store:
    return open_store(url)


@pytest.fixture
def pushed(
    store: Store, make_models: MakeModels, model_type: ModelType, monkeypatch: pytest.MonkeyPatch
) -> PushReport:
    """Push v1, with nine models in three packs."""
    small_packs(monkeypatch)
    return push(store, "g1", "v1", make_models(9), model_type=model_type)


def packs_of(store: Store, report: PushReport, version_id: str = "v1") -> list[str]:
    manifest = read_manifest(store, "g1", version_id, report.manifest)
    return [pack_key("g1", pack.name) for pack in manifest.packs]


def test_a_probe_says_that_of_two_pushes_one_wins(store: Store) -> None:
    found = store.probe()
    assert found.conditional_writes
    assert found.ranges


def test_a_version_comes_out_as_it_went_in_whole_and_in_part(
    store: Store, pushed: PushReport, make_models: MakeModels
) -> None:
    models = {model.uid: model.read() for model in make_models(9)}
    assert fetch_bytes(store, "g1", "v1", pushed.manifest) == models
    some = ["line-002", "line-007"]
    assert fetch_bytes(store, "g1", "v1", pushed.manifest, only=some) == {uid: models[uid] for uid in some}


def test_the_same_again_sends_nothing_and_an_update_what_changed(
    store: Store, pushed: PushReport, make_models: MakeModels, model_type: ModelType
) -> None:
    before = keys(store)
    again = push(store, "g1", "v1", make_models(9), model_type=model_type)
    assert (again.already_there, again.sent_models, again.manifest) == (True, 0, pushed.manifest)
    assert keys(store) == before
    update = push(store, "g1", "v2", make_models(1, seed=2), model_type=model_type, base=version(pushed))
    assert (update.models, update.sent_models) == (9, 1)


def test_another_version_under_a_name_that_is_taken_is_refused(
    store: Store, pushed: PushReport, make_models: MakeModels, model_type: ModelType
) -> None:
    with pytest.raises(VersionConflict, match="set g1 version v1: exists with other models"):
        push(store, "g1", "v1", make_models(9, seed=5), model_type=model_type)
    assert verify(store, "g1", [version(pushed)]).is_sound


def test_of_writers_of_one_version_exactly_one_wins(
    url: str, make_models: MakeModels, model_type: ModelType
) -> None:
    for round_ in range(3):
        writers = 4
        start, of = threading.Barrier(writers), [make_models(2, seed=seed) for seed in range(writers)]

        def write(number: int, version_id: str = f"v{round_}") -> PushReport | None:
            store = open_store(url)
            start.wait()  # noqa: B023 - done before the next round
            try:
                return push(store, "g1", version_id, of[number], model_type=model_type)  # noqa: B023
            except VersionConflict:
                return None

        with ThreadPoolExecutor(writers) as pool:
            reports = list(pool.map(write, range(writers)))
        (winner,) = [number for number, report in enumerate(reports) if report is not None]
        report = reports[winner]
        assert report is not None
        got = fetch_bytes(open_store(url), "g1", f"v{round_}", report.manifest)
        assert got == {model.uid: model.read() for model in of[winner]}


@pytest.mark.parametrize("harm", ["flipped", "cut", "emptied", "deleted"])
def test_a_harmed_pack_is_found_refused_and_healed_by_pushing_again(
    store: Store, pushed: PushReport, make_models: MakeModels, model_type: ModelType, harm: str
) -> None:
    key = packs_of(store, pushed)[1]
    sound = store.get(key)
    harmed = {"flipped": flipped(sound, len(sound) // 2), "cut": sound[:-7], "emptied": b""}.get(harm)
    if harmed is None:
        store.delete(key)
    else:
        store.put(key, harmed, Checksum.of(harmed))
    report = verify(store, "g1", [version(pushed)])
    assert not report.is_sound
    assert key in {*report.damaged, *report.missing}
    with pytest.raises((IntegrityError, StoreError)):
        fetch_bytes(store, "g1", "v1", pushed.manifest)
    again = push(store, "g1", "v1", make_models(9), model_type=model_type)
    assert again.manifest == pushed.manifest
    assert store.get(key) == sound
    assert verify(store, "g1", [version(pushed)]).is_sound


def test_a_version_whose_commit_is_gone_is_not_there(store: Store, pushed: PushReport) -> None:
    store.delete(version_key("g1", "v1"))
    with pytest.raises(StoreError, match="g1 version v1"):
        fetch_bytes(store, "g1", "v1", pushed.manifest)


def test_gc_keeps_what_a_registry_names_and_notes_what_none_does(
    store: Store, pushed: PushReport, make_models: MakeModels, model_type: ModelType
) -> None:
    push(store, "g1", "v2", make_models(9, seed=3), model_type=model_type)
    before = keys(store)
    assert list(collect_garbage(store, "g1", registry(pushed)).waiting) == ["v2"]
    assert keys(store) == before
    assert list(collect_garbage(store, "g1", registry(pushed), apply=True).waiting) == ["v2"]
    # Nothing is old enough by the store's own clock.
    assert before <= keys(store)
    assert verify(store, "g1", [version(pushed)]).is_sound


def test_on_a_server_that_ignores_conditions_no_version_comes_into_being(
    url_on: Callable[[str], str], make_models: MakeModels, model_type: ModelType
) -> None:
    store = open_store(url_on("nanio"))
    assert not store.probe().conditional_writes
    with pytest.raises(StoreError, match="If-None-Match") as refused:
        push(store, "g1", "v1", make_models(), model_type=model_type)
    assert "\n" not in str(refused.value)
    assert list(store.keys("sets/g1/versions/")) == []
