"""A field gateway fetches only its own devices' models, and existing models are not fetched again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import (
    ConfigError,
    IntegrityError,
    KeyAlgorithm,
    ModelType,
    PrivateKey,
    SourceModel,
    Store,
    fetch,
    fetch_bytes,
    push,
    sign,
)
from bluegrid_registry.formats.layout import pack_key
from bluegrid_registry.transfer.config import TransferConfig
from tests.integration.stores.versions import small_packs, version
from tests.support.stores import FlipsFirstGet, Recording

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_registry import PushReport
    from tests.integration.stores.versions import AtRest, MakeModels


@pytest.fixture
def pushed(
    store: Store, make_models: MakeModels, model_type: ModelType, monkeypatch: pytest.MonkeyPatch
) -> PushReport:
    small_packs(monkeypatch)
    return push(store, "g1", "v1", make_models(30), model_type=model_type)


def contents(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_only_the_wanted_models_come_and_only_their_packs_are_asked_for(
    store: Store, pushed: PushReport, make_models: MakeModels, tmp_path: Path
) -> None:
    recording = Recording(store)
    fetched = fetch(
        recording, "g1", "v1", pushed.manifest, tmp_path / "into", only=["line-00[0-2]", "line-029"]
    )
    wanted = {"line-000", "line-001", "line-002", "line-029"}
    models = {model.uid: model.read() for model in make_models(30)}
    assert {uid: path.read_bytes() for uid, path in fetched.paths.items()} == {
        uid: models[uid] for uid in wanted
    }
    assert (recording.count("get") + recording.count("get_range"))["packs"] == 2
    assert fetched.report.checked == 4
    assert fetched.report.fetched_bytes < pushed.sent_bytes / 4


def test_more_models_join_those_that_are_there(store: Store, pushed: PushReport, tmp_path: Path) -> None:
    fetch(store, "g1", "v1", pushed.manifest, tmp_path, only=["line-000", "line-001"])
    fetched = fetch(store, "g1", "v1", pushed.manifest, tmp_path, only=["line-00*"])
    assert (fetched.report.checked, fetched.report.already_there) == (10, 2)
    whole = fetch(store, "g1", "v1", pushed.manifest, tmp_path)
    assert (whole.report.checked, whole.report.already_there) == (30, 10)
    assert whole.report.extra == ()


def test_a_name_that_no_model_has_is_refused(store: Store, pushed: PushReport, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"^set g1 version v1: no model is named 'bus-\*'; list the version"
    ):
        fetch(store, "g1", "v1", pushed.manifest, tmp_path / "into", only=["line-000", "bus-*"])
    assert contents(tmp_path / "into") == []


def test_models_come_into_memory(store: Store, pushed: PushReport, make_models: MakeModels) -> None:
    models = {model.uid: model.read() for model in make_models(30)}
    assert fetch_bytes(store, "g1", "v1", pushed.manifest) == models
    some = fetch_bytes(store, "g1", "v1", pushed.manifest, only=["line-007"])
    assert some == {"line-007": models["line-007"]}


def test_a_model_in_a_pack_with_a_dictionary_comes_alone(
    store: Store, model_type: ModelType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So that the last model's part of the pack does not hold the dictionary.
    monkeypatch.setattr("bluegrid_registry.transfer.config.DEFAULT", TransferConfig(gap_bytes=0))
    names = [f"bus {number} active power" for number in range(50)]
    models = [SourceModel(f"line-{number:03}", f"{names} {number * 0.37}".encode()) for number in range(500)]
    report = push(store, "g1", "v1", models, model_type=model_type)
    fetched = fetch(store, "g1", "v1", report.manifest, tmp_path, only=["line-000", "line-499"])
    assert fetched.manifest.packs[0].dictionary
    assert [path.read_bytes() for path in fetched.paths.values()] == [models[0].read(), models[499].read()]
    assert fetch_bytes(store, "g1", "v1", report.manifest)["line-250"] == models[250].read()


def test_what_came_damaged_and_was_fetched_again_is_reported(
    store: Store, pushed: PushReport, tmp_path: Path
) -> None:
    report = fetch(FlipsFirstGet(store), "g1", "v1", pushed.manifest, tmp_path).report
    assert len(report.refetched) == report.checked == 30


def test_what_is_damaged_missing_or_strange_in_the_folder_is_reported_and_mended(
    store: Store, pushed: PushReport, tmp_path: Path
) -> None:
    paths = fetch(store, "g1", "v1", pushed.manifest, tmp_path).paths
    paths["line-003"].write_bytes(b"rot")
    paths["line-004"].unlink()
    (paths["line-003"].parent / "notes.txt").write_text("mine")
    report = fetch(store, "g1", "v1", pushed.manifest, tmp_path).report
    assert (report.checked, report.already_there) == (30, 28)
    assert (report.damaged, report.extra) == (("line-003",), ("notes.txt",))
    again = fetch(store, "g1", "v1", pushed.manifest, tmp_path).report
    assert (again.already_there, again.damaged, again.fetched_bytes) == (30, (), 0)


def test_a_version_is_fetched_once_for_all_that_share_a_cache(
    store: Store, pushed: PushReport, tmp_path: Path
) -> None:
    first = fetch(store, "g1", "v1", pushed.manifest, tmp_path / "pod-1", cache=tmp_path / "cache")
    recording = Recording(store)
    second = fetch(recording, "g1", "v1", pushed.manifest, tmp_path / "pod-2", cache=tmp_path / "cache")
    assert first.report.already_there == 0
    assert second.report.already_there == 30
    assert (recording.count("get") + recording.count("get_range"))["packs"] == 0
    # If the file system supports it, no model is stored twice.
    assert first.paths["line-000"].stat().st_nlink == 3


def test_of_a_new_version_only_what_changed_is_fetched_beside_a_cache(
    store: Store, pushed: PushReport, make_models: MakeModels, model_type: ModelType, tmp_path: Path
) -> None:
    fetch(store, "g1", "v1", pushed.manifest, tmp_path / "pod-1", cache=tmp_path / "cache")
    changed = make_models(1, seed=2)
    update = push(store, "g1", "v2", changed, model_type=model_type, base=version(pushed))
    fetched = fetch(store, "g1", "v2", update.manifest, tmp_path / "pod-2", cache=tmp_path / "cache")
    assert fetched.report.already_there == 29
    assert fetched.paths["line-000"].read_bytes() == changed[0].read()


def test_what_rots_in_a_cache_is_never_served(store: Store, pushed: PushReport, tmp_path: Path) -> None:
    fetch(store, "g1", "v1", pushed.manifest, tmp_path / "pod-1", cache=tmp_path / "cache")
    for path in (tmp_path / "cache").rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(b"rot")
    fetched = fetch(store, "g1", "v1", pushed.manifest, tmp_path / "pod-2", cache=tmp_path / "cache")
    assert len(fetched.report.damaged) == 30
    third = fetch(store, "g1", "v1", pushed.manifest, tmp_path / "pod-3", cache=tmp_path / "cache")
    assert third.report.already_there == 30


def test_several_fetches_share_a_cache_at_once(store: Store, pushed: PushReport, tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            fetched = fetch(
                store, "g1", "v1", pushed.manifest, tmp_path / f"pod-{number}", cache=tmp_path / "cache"
            )
            assert fetched.report.checked == 30
        except BaseException as error:  # noqa: BLE001 - raised by the thread that can
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert not list((tmp_path / "cache").rglob(".*"))


def test_a_version_that_no_trusted_key_has_signed_is_not_fetched(
    store: Store, pushed: PushReport, tmp_path: Path
) -> None:
    ours, theirs = (PrivateKey.generate(KeyAlgorithm.ED25519) for _ in range(2))
    with pytest.raises(IntegrityError, match="is not signed by a trusted key"):
        fetch(store, "g1", "v1", pushed.manifest, tmp_path / "into", keys=[ours.public("ops")])
    sign(store, "g1", "v1", pushed.manifest, theirs)
    with pytest.raises(IntegrityError, match="is not signed by a trusted key"):
        fetch_bytes(store, "g1", "v1", pushed.manifest, keys=[ours.public("ops")])
    assert contents(tmp_path / "into") == []
    sign(store, "g1", "v1", pushed.manifest, ours)
    assert (
        len(fetch(store, "g1", "v1", pushed.manifest, tmp_path / "into", keys=[ours.public("ops")]).paths)
        == 30
    )


def test_one_bad_model_spoils_the_whole_fetch(
    store: Store, pushed: PushReport, at_rest: AtRest, tmp_path: Path
) -> None:
    good = fetch(store, "g1", "v1", pushed.manifest, tmp_path / "good")
    row = good.manifest.models[-1]
    path = at_rest(pack_key("g1", row.pack))
    data = bytearray(path.read_bytes())
    data[row.offset + 20] ^= 1
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match=row.uid):
        fetch(store, "g1", "v1", pushed.manifest, tmp_path / "into", cache=tmp_path / "cache")
    assert contents(tmp_path / "into") == []
