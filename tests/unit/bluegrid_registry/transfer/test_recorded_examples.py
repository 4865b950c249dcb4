"""Recorded examples travel in packs of their own, beside their models."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from bluegrid_registry import (
    ConfigError,
    Example,
    FormatError,
    IntegrityError,
    Manifest,
    ModelType,
    RecordedExample,
    SourceModel,
    Version,
    VersionConflict,
    compare_versions,
    fetch,
    models_in_folder,
    open_store,
    push,
    verify,
    verify_folder,
)
from bluegrid_registry.formats import layout
from bluegrid_registry.maintenance.prune import needs_of
from bluegrid_registry.transfer.config import TransferConfig
from tests.support.skops_files import skops_file
from tests.support.stores import DiesAtWrite, Killed, Recording, delete_copies
from tests.unit.bluegrid_registry.pushes import TYPE, use, version
from tests.unit.bluegrid_registry.recorded import (
    ROWS,
    all_examples,
    day_ahead,
    manifest_of,
    models,
    published,
)

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_registry import AnyExample, Store


def test_examples_come_back_from_the_store_and_from_a_fetched_folder(store: Store, tmp_path: Path) -> None:
    expected = {"line-0": (day_ahead(), ROWS), "line-2": (ROWS,)}
    report = published(store, (day_ahead(), ROWS), (), (ROWS,))
    assert manifest_of(store, report).format == "bluegrid-manifest/2"
    assert all_examples(store, report) == expected
    fetched = fetch(store, "g1", "v1", report.manifest, tmp_path / "into", cache=tmp_path / "cache")
    assert dict(fetched.examples) == expected
    some = fetch(store, "g1", "v1", report.manifest, tmp_path / "some", only=["line-[12]"])
    assert dict(some.examples) == {"line-2": (ROWS,)}
    # From the cache alone.
    again = fetch(store, "g1", "v1", report.manifest, tmp_path / "again", cache=tmp_path / "cache")
    assert (again.report.fetched_bytes, again.report.already_there) == (0, 3)
    assert dict(again.examples) == expected


def test_a_folder_may_hold_one_example_or_several_a_model(tmp_path: Path) -> None:
    both = [day_ahead(number).model_dump(mode="json") for number in (1, 2)]
    for uid in ("one", "several", "none"):
        (tmp_path / f"{uid}.skops").write_bytes(skops_file(uid))
    (tmp_path / "examples.json").write_text(json.dumps({"one": both[0], "several": both}))
    found = {model.uid: model.examples for model in models_in_folder(tmp_path, TYPE)}
    assert found == {"one": (day_ahead(1),), "several": (day_ahead(1), day_ahead(2)), "none": ()}


ONE = '{"inputs": [[1]], "outputs": [1]}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f'{{"a": {ONE}, "a": {ONE}}}', "a is there twice; give its examples as one list"),
        (f'{{"a": {ONE},}}', "Expecting value"),
        ('{"a": [{"request": {}, "response": {}}]}', "a.0.request.inputs: Field required"),
        ('{"a": NaN}', "a: is not JSON: NaN is no JSON; write null"),
        ('{"a" 1}', "expected a UID and ':'"),
        (f'{{"a": {ONE}}} 2', "expected ',' or the end of the object"),
        ("{", "Expecting"),
        ("", "whole: expected an object of examples by UID"),
        ("\ufffd", "whole: expected an object"),
    ],
)
def test_a_mistake_in_a_file_of_examples_is_one_line(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.skops").write_bytes(skops_file("a"))
    (tmp_path / "examples.json").write_text(text)
    with pytest.raises(FormatError, match=r"examples\.json: ") as caught:
        models_in_folder(tmp_path, TYPE)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_equal_examples_are_stored_once(store: Store) -> None:
    report = published(store, (day_ahead(),), (day_ahead(),), (ROWS,))
    rows = manifest_of(store, report).models
    assert rows[0].examples == rows[1].examples != rows[2].examples


def test_packs_of_models_do_not_depend_on_their_examples(store: Store) -> None:
    without = published(store, (), (), version_id="v1")
    recorded = Recording(store)
    report = push(recorded, "g1", "v2", models((day_ahead(),), (ROWS,)), model_type=TYPE)
    packs = {row.pack for row in manifest_of(store, report).models}
    assert packs == {row.pack for row in manifest_of(store, without).models}
    assert (report.packs, len(manifest_of(store, report).packs)) == (1, 2)


def test_examples_fill_several_packs(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, TransferConfig(pack_bytes=3000))
    examples = [(day_ahead(number),) for number in range(20)]
    report = published(store, *examples)
    packs = {row.examples.pack for row in manifest_of(store, report).models if row.examples}
    assert len(packs) > 3
    assert all_examples(store, report) == {f"line-{number}": each for number, each in enumerate(examples)}


def test_a_push_again_sends_nothing(store: Store) -> None:
    first = published(store, (day_ahead(),), (ROWS,))
    again = published(store, (day_ahead(),), (ROWS,))
    assert (again.already_there, again.sent_bytes, again.manifest) == (True, 0, first.manifest)
    with pytest.raises(VersionConflict, match="exists with other models"):
        published(store, (day_ahead(1),), (ROWS,))


def test_an_update_takes_over_the_examples_of_its_base(store: Store) -> None:
    base = published(store, (day_ahead(),), (ROWS,), ())
    new = [SourceModel("line-1", skops_file("again"), (day_ahead(1),)), SourceModel("line-3", b"new")]
    report = push(store, "g1", "v2", new, model_type=TYPE, base=version(base))
    assert all_examples(store, report) == {"line-0": (day_ahead(),), "line-1": (day_ahead(1),)}
    # Without examples of its own, a new model has none.
    last = push(store, "g1", "v3", [SourceModel("line-0", b"new")], model_type=TYPE, base=version(report))
    assert all_examples(store, last) == {"line-1": (day_ahead(1),)}
    none = push(store, "g1", "v4", [], model_type=TYPE, base=version(last), without=["line-1"])
    assert not all_examples(store, none)


@pytest.mark.parametrize("with_base", [False, True])
def test_examples_cost_no_round_trip_before_they_are_sent(store: Store, *, with_base: bool) -> None:
    base = published(store, (), ()) if with_base else None
    recorded = Recording(store)
    new = [SourceModel("line-1", b"new", (day_ahead(),))]
    push(recorded, "g1", "v2", new, model_type=TYPE, base=version(base) if base else None)
    # Neither waits for a list, nor is looked up before it is sent.
    assert sorted(call for call in recorded.requests if "packs" in call) == [
        *([] if with_base else ["copy packs", "copy packs", "keys packs"]),
        "put packs",
        "put packs",
    ]


@pytest.mark.parametrize("nth", range(4))
def test_a_push_with_examples_that_is_killed_can_run_again(nth: int, store: Store) -> None:
    new = models((day_ahead(),), (ROWS,))
    with pytest.raises(Killed):
        push(DiesAtWrite(store, nth), "g1", "v1", new, model_type=TYPE)
    report = push(store, "g1", "v1", new, model_type=TYPE)
    assert all_examples(store, report) == {"line-0": (day_ahead(),), "line-1": (ROWS,)}


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.chmod(0o644)
    path.write_bytes(data)


def pack_path(store: Store, manifest: Manifest, tmp_path: Path) -> Path:
    """Return the file of the pack with the examples of the first model."""
    examples = manifest.models[0].examples
    assert examples
    return tmp_path / "store" / layout.pack_key("g1", examples.pack)


def test_damaged_examples_are_found_and_replaced(store: Store, tmp_path: Path) -> None:
    report = published(store, (day_ahead(),), (ROWS,))
    shutil.copytree(tmp_path / "store", tmp_path / "good")
    delete_copies(store, "g1")
    damage(pack := pack_path(store, manifest_of(store, report), tmp_path))
    with pytest.raises(IntegrityError, match="examples of model line-"):
        fetch(store, "g1", "v1", report.manifest, tmp_path / "into")
    found = verify(store, "g1", [version(report)])
    (fault,) = found.damaged.values()
    assert "recorded examples" in fault
    assert (found.models, found.is_sound) == (2, False)
    healed = verify(store, "g1", [version(report)], source=open_store((tmp_path / "good").as_uri()))
    assert healed.is_sound
    assert pack.read_bytes() == (tmp_path / "good" / pack.relative_to(tmp_path / "store")).read_bytes()


def test_a_damaged_file_of_examples_is_found_and_fetched_again(store: Store, tmp_path: Path) -> None:
    report = published(store, (day_ahead(),), (ROWS,))
    fetched = fetch(store, "g1", "v1", report.manifest, tmp_path / "into")
    assert verify_folder(store, "g1", version(report), tmp_path / "into").is_sound
    examples = manifest_of(store, report).models[0].examples
    assert examples
    (file,) = (tmp_path / "into").rglob(f"{examples.sha256}.examples.json")
    file.write_text("[]")
    state = verify_folder(store, "g1", version(report), tmp_path / "into")
    assert (state.checked, state.damaged, state.missing, state.extra) == (1, ("line-0",), (), ())
    file.unlink()
    assert verify_folder(store, "g1", version(report), tmp_path / "into").missing == ("line-0",)
    repaired = fetch(store, "g1", "v1", report.manifest, tmp_path / "into")
    assert (repaired.report.checked, repaired.report.already_there) == (2, 1)
    assert dict(repaired.examples) == dict(fetched.examples)


def test_garbage_collection_keeps_the_packs_of_examples(store: Store) -> None:
    report = published(store, (day_ahead(),))
    packs = {layout.pack_key("g1", pack.name) for pack in manifest_of(store, report).packs}
    assert len(packs) == 2
    assert packs < needs_of(store, "g1", "v1", report.manifest)


def test_examples_that_are_no_document_are_refused_when_they_are_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bluegrid_registry.transfer.sources.examples_document", lambda _: b'[{"inputs": 1}]')
    report = published(store, (ROWS,))
    with pytest.raises(FormatError, match=r"^examples of model line-0\.0\.inputs: Input should be"):
        all_examples(store, report)


def test_too_many_examples_of_a_model_are_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bluegrid_registry.transfer.sources.MAX_EXAMPLES_BYTES", 100)
    with pytest.raises(
        FormatError, match=r"model line-0: .* bytes of recorded examples; a model has at most"
    ):
        published(store, (day_ahead(),))


def test_examples_that_no_reader_would_decompress_are_refused(store: Store) -> None:
    zeros = Example(inputs=((0.0,) * 2**19,), outputs=(0.0,))
    with pytest.raises(FormatError, match=r"^examples of model line-0: shrink .*; record fewer equal values"):
        published(store, (zeros,))


def test_outputs_of_all_examples_are_compared(store: Store) -> None:
    def example(y: float, label: str) -> RecordedExample:
        document: dict[str, Any] = day_ahead().model_dump(mode="json")
        document["response"]["outputs"][0]["data"][5] = y
        document["response"]["outputs"][1]["data"][0] = label
        return RecordedExample.model_validate(document)

    def pushed(version_id: str, *examples: AnyExample) -> Version:
        model = SourceModel("line-1", skops_file(version_id), examples)
        return version(push(store, "g1", version_id, [model], model_type=TYPE))

    old = pushed("v1", ROWS, example(4.0, "ok"))
    new = pushed("v2", example(4.5, "trip"), Example(inputs=ROWS.inputs, outputs=(-0.25,)))
    (changed,) = compare_versions(store, "g1", old, new).changed
    assert (changed.moved, changed.differing) == (0.5, 1)
    outputs = {name: (each.moved, each.differing) for name, each in changed.outputs.items()}
    assert outputs == {"y": (0.5, 0), "label": (None, 1), "predictions": (0.25, 0)}
    (unknown,) = compare_versions(store, "g1", old, new, with_answers=False).changed
    assert (unknown.moved, unknown.outputs) == (None, {})


def test_the_type_of_examples_has_no_part_in_the_type_of_models(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "a.savedmodel"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"a model")
    model_type = ModelType.parse("tensorflow/savedmodel")
    report = push(store, "g1", "v1", [SourceModel("a", folder, (day_ahead(),))], model_type=model_type)
    fetched = fetch(store, "g1", "v1", report.manifest, tmp_path / "into", cache=tmp_path / "cache")
    assert dict(fetched.examples) == {"a": (day_ahead(),)}
    again = fetch(store, "g1", "v1", report.manifest, tmp_path / "again", cache=tmp_path / "cache")
    assert dict(again.examples) == {"a": (day_ahead(),)}
    assert again.report.fetched_bytes == 0


def test_an_unreadable_file_of_examples_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.skops").write_bytes(skops_file("a"))
    (tmp_path / "examples.json").symlink_to("nowhere")
    with pytest.raises(ConfigError, match=r"examples\.json: cannot be read: No such file"):
        models_in_folder(tmp_path, TYPE)
