"""Versions are pushed and fetched, byte for byte, and nothing is sent twice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import (
    ConfigError,
    FormatError,
    Manifest,
    ModelType,
    ObjectMissing,
    ProgressEvent,
    Store,
    Version,
    VersionConflict,
    fetch,
    models_in_folder,
    open_store,
    push,
    read_commit,
    read_manifest,
)
from bluegrid_registry.formats.layout import pack_key
from tests.integration.stores.versions import small_packs, version
from tests.support.stores import Recording

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.stores.versions import MakeModels


def test_a_pushed_version_is_fetched_byte_for_byte(
    store: Store, make_models: MakeModels, model_type: ModelType, tmp_path: Path
) -> None:
    models = make_models(20, recorded=True)
    report = push(store, "g1", "v1", models, model_type=model_type)
    fetched = fetch(store, "g1", "v1", report.manifest, tmp_path / "into")
    assert (report.models, report.sent_models, report.packs, report.already_there) == (20, 20, 1, False)
    assert {uid: path.read_bytes() for uid, path in fetched.paths.items()} == {
        model.uid: model.read() for model in models
    }
    assert dict(fetched.examples) == {model.uid: model.examples for model in models}


def test_a_version_of_many_packs_is_fetched_whole(
    store: Store,
    make_models: MakeModels,
    model_type: ModelType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small_packs(monkeypatch)
    models = make_models(30)
    report = push(store, "g1", "v1", models, model_type=model_type)
    fetched = fetch(store, "g1", "v1", report.manifest, tmp_path / "into")
    assert report.packs == len(fetched.manifest.packs) == 10
    assert all(fetched.paths[model.uid].read_bytes() == model.read() for model in models)


def test_files_on_disk_are_named_by_digest_and_nothing_else_is_there(
    store: Store, make_models: MakeModels, model_type: ModelType, tmp_path: Path
) -> None:
    report = push(store, "g1", "v1", make_models(), model_type=model_type)
    fetched = fetch(store, "g1", "v1", report.manifest, tmp_path / "into")
    folder = tmp_path / "into" / report.manifest.removeprefix("sha256:")
    assert list((tmp_path / "into").iterdir()) == [folder]
    assert {path.name for path in folder.iterdir()} == {
        f"{row.sha256}.skops" for row in fetched.manifest.models
    }


def test_pushing_the_same_models_again_sends_nothing_and_is_a_success(
    store: Store, make_models: MakeModels, model_type: ModelType
) -> None:
    first = push(store, "g1", "v1", make_models(), model_type=model_type)
    recording = Recording(store)
    second = push(recording, "g1", "v1", make_models(), model_type=model_type)
    assert (second.manifest, second.already_there) == (first.manifest, True)
    assert (second.sent_models, second.sent_bytes) == (0, 0)
    assert recording.count("put") == recording.count("put_once") == {}


def test_the_same_models_make_the_same_bytes_wherever_they_are_pushed(
    store: Store, make_models: MakeModels, model_type: ModelType, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = open_store(f"file://{tmp_path}/other")
    models = make_models()
    first = push(store, "g1", "v1", models, model_type=model_type)
    second = push(other, "g1", "v1", models[::-1], model_type=model_type)
    assert first.manifest == second.manifest
    packs = read_manifest(store, "g1", "v1", first.manifest).packs
    assert [store.get(pack_key("g1", pack.name)) for pack in packs] == [
        other.get(pack_key("g1", pack.name)) for pack in packs
    ]


def test_a_version_never_changes(store: Store, make_models: MakeModels, model_type: ModelType) -> None:
    first = push(store, "g1", "v1", make_models(seed=1), model_type=model_type)
    with pytest.raises(
        VersionConflict, match=r"^set g1 version v1: exists with other models .*new version ID$"
    ):
        push(store, "g1", "v1", make_models(seed=2), model_type=model_type)
    assert read_commit(store, "g1", "v1").manifest == first.manifest


def test_the_same_models_packed_otherwise_are_the_same_version(
    store: Store, make_models: MakeModels, model_type: ModelType
) -> None:
    base = push(store, "g1", "v1", make_models(), model_type=model_type)
    change = make_models(1, seed=2)
    first = push(store, "g1", "v2", change, model_type=model_type, base=version(base))
    second = push(store, "g1", "v2", (*change, *make_models()[1:]), model_type=model_type)
    assert (second.manifest, second.already_there) == (first.manifest, True)


def test_an_update_of_one_model_sends_one_model(
    store: Store, make_models: MakeModels, model_type: ModelType, tmp_path: Path
) -> None:
    base = push(store, "g1", "v1", make_models(20, size=20_000), model_type=model_type)
    old, new = make_models(20, size=20_000), make_models(1, seed=2, size=20_000)
    recording = Recording(store)
    report = push(recording, "g1", "v2", new, model_type=model_type, base=version(base))
    assert (report.models, report.sent_models, report.packs) == (20, 1, 2)
    assert report.sent_bytes < base.sent_bytes / 10
    # The pack that the update only refers to is not read again.
    # The base's commit, and the look for a version v2.
    assert recording.count("get") == {"manifests": 1, "versions": 2}
    fetched = fetch(store, "g1", "v2", report.manifest, tmp_path / "into")
    expected = {**{model.uid: model.read() for model in old}, new[0].uid: new[0].read()}
    assert {uid: path.read_bytes() for uid, path in fetched.paths.items()} == expected


def test_models_of_the_base_are_not_sent_when_the_folder_holds_them_too(
    store: Store, make_models: MakeModels, model_type: ModelType
) -> None:
    base = push(store, "g1", "v1", make_models(20), model_type=model_type)
    models = (*make_models(1, seed=2), *make_models(20)[1:])
    report = push(store, "g1", "v2", models, model_type=model_type, base=version(base))
    assert (report.models, report.sent_models) == (20, 1)


def test_a_base_that_is_not_what_the_registry_pins_is_refused(
    store: Store, make_models: MakeModels, model_type: ModelType
) -> None:
    push(store, "g1", "v1", make_models(), model_type=model_type)
    row = {"id": "v1", "manifest": "sha256:" + "0" * 64, "updated": "2026-11-22T08:00:00Z"}
    with pytest.raises(ObjectMissing, match="set g1 version v1"):
        push(store, "g1", "v2", make_models(), model_type=model_type, base=Version.model_validate(row))


def test_a_base_of_another_type_is_refused(
    store: Store, make_models: MakeModels, model_type: ModelType, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = push(store, "g1", "v1", make_models(), model_type=model_type)
    other = ModelType.parse("onnx/onnx")
    with pytest.raises(
        ConfigError, match="version v1 is of type scikit-learn/skops, the new models of onnx/onnx"
    ):
        push(store, "g1", "v2", make_models(), model_type=other, base=version(base))


def test_devices_that_share_a_model_share_its_bytes(
    store: Store, model_type: ModelType, tmp_path: Path
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    for uid in ("line-1", "line-2", "line-3"):
        (folder / f"{uid}.skops").write_bytes(b"the same model")
    report = push(store, "g1", "v1", models_in_folder(folder, model_type), model_type=model_type)
    fetched = fetch(store, "g1", "v1", report.manifest, tmp_path / "into")
    assert (report.models, report.sent_models) == (3, 1)
    assert [path.read_bytes() for path in fetched.paths.values()] == [b"the same model"] * 3


def test_few_models_of_a_pack_are_fetched_as_ranges(
    store: Store, make_models: MakeModels, model_type: ModelType, tmp_path: Path
) -> None:
    base = push(store, "g1", "v1", make_models(20), model_type=model_type)
    changed = make_models(18, seed=2)
    report = push(store, "g1", "v2", changed, model_type=model_type, base=version(base))
    recording = Recording(store)
    events: list[ProgressEvent] = []
    fetched = fetch(recording, "g1", "v2", report.manifest, tmp_path / "into", progress=events.append)
    assert recording.count("get")["packs"] == 1
    assert recording.count("get_range")["packs"] == 1
    sizes = sorted(pack.size for pack in fetched.manifest.packs)
    assert events[-1].bytes < sum(sizes) - sizes[0] / 2
    assert fetched.paths["line-019"].read_bytes() == make_models(20)[19].read()


def test_progress_ends_with_every_model(
    store: Store,
    make_models: MakeModels,
    model_type: ModelType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small_packs(monkeypatch)
    pushed: list[ProgressEvent] = []
    fetched: list[ProgressEvent] = []
    report = push(store, "g1", "v1", make_models(9), model_type=model_type, progress=pushed.append)
    fetch(store, "g1", "v1", report.manifest, tmp_path / "into", progress=fetched.append)
    assert [event.models for event in pushed] == [3, 6, 9, 9]
    assert [event.models for event in fetched] == [3, 6, 9]
    assert {event.models_total for event in (*pushed, *fetched)} == {9}
    assert pushed[-1].bytes == report.sent_bytes


def test_a_second_fetch_takes_no_pack(
    store: Store, make_models: MakeModels, model_type: ModelType, tmp_path: Path
) -> None:
    report = push(store, "g1", "v1", make_models(), model_type=model_type)
    first = fetch(store, "g1", "v1", report.manifest, tmp_path / "into")
    recording = Recording(store)
    assert fetch(recording, "g1", "v1", report.manifest, tmp_path / "into") == first
    assert recording.count("get")["packs"] == 0


@pytest.mark.parametrize("harm", ["damaged", "missing"])
def test_a_file_that_was_harmed_on_disk_is_fetched_again(
    harm: str, store: Store, make_models: MakeModels, model_type: ModelType, tmp_path: Path
) -> None:
    models = make_models()
    report = push(store, "g1", "v1", models, model_type=model_type)
    path = fetch(store, "g1", "v1", report.manifest, tmp_path / "into").paths["line-002"]
    path.write_bytes(b"rot") if harm == "damaged" else path.unlink()
    fetched = fetch(store, "g1", "v1", report.manifest, tmp_path / "into")
    assert fetched.paths["line-002"].read_bytes() == models[2].read()


def test_a_killed_fetch_is_in_nobodys_way(
    store: Store, make_models: MakeModels, model_type: ModelType, tmp_path: Path
) -> None:
    report = push(store, "g1", "v1", make_models(), model_type=model_type)
    name = report.manifest.removeprefix("sha256:")
    partial = tmp_path / "into" / f".{name}.partial"
    partial.mkdir(parents=True)
    (partial / "half").write_bytes(b"half a model")
    fetched = fetch(store, "g1", "v1", report.manifest, tmp_path / "into")
    assert [path.name for path in (tmp_path / "into").iterdir()] == [name]
    assert len(list(fetched.paths["line-000"].parent.iterdir())) == 5


def test_a_folder_that_cannot_be_written_is_told_in_one_line(
    store: Store, make_models: MakeModels, model_type: ModelType, tmp_path: Path
) -> None:
    report = push(store, "g1", "v1", make_models(), model_type=model_type)
    (tmp_path / "into").write_bytes(b"a file")
    with pytest.raises(ConfigError, match="into: cannot be written: File exists"):
        fetch(store, "g1", "v1", report.manifest, tmp_path / "into")


def test_a_version_that_was_never_pushed_is_told(store: Store, tmp_path: Path) -> None:
    store.put_once("sets/other", b"x")
    with pytest.raises(ObjectMissing, match=r"^set g1 version v9: is not in .*; push it$"):
        fetch(store, "g1", "v9", "sha256:" + "0" * 64, tmp_path)


@pytest.mark.parametrize("name", ["../v1", "v1/..", "", "v 1", "v" * 64])
def test_an_id_that_is_no_id_is_refused(
    name: str, s3_store: Store, make_models: MakeModels, model_type: ModelType
) -> None:
    for set_id, version_id in ((name, "v1"), ("g1", name)):
        with pytest.raises(ConfigError, match="is not an ID"):
            push(s3_store, set_id, version_id, make_models(1), model_type=model_type)


def test_a_model_that_is_a_bomb_is_refused_before_it_is_sent(
    store: Store, model_type: ModelType, tmp_path: Path
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "line-1.skops").write_bytes(bytes(20 * 2**20))
    recording = Recording(store)
    with pytest.raises(FormatError, match=r"line-1.skops: shrinks from 20971520 to \d+ bytes"):
        push(recording, "g1", "v1", models_in_folder(folder, model_type), model_type=model_type)
    assert recording.count("put") == {}


def test_the_manifest_is_readable_json_and_holds_no_time(
    store: Store, make_models: MakeModels, model_type: ModelType
) -> None:
    report = push(store, "g1", "v1", make_models(1), model_type=model_type)
    manifest = read_manifest(store, "g1", "v1", report.manifest)
    document = json.loads(manifest.model_dump_json(exclude_none=True))
    assert document.keys() == {"format", "set", "version", "type", "packs", "models"}
    assert manifest == Manifest.from_bytes(manifest.to_bytes(), report.manifest)
