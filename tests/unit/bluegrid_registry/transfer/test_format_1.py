"""Stores of the release before recorded examples went to packs stay readable, and can be pushed to."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zstandard

from bluegrid_registry import (
    Example,
    SourceModel,
    TransferConfig,
    Version,
    VersionConflict,
    compare_versions,
    fetch,
    open_store,
    push,
    read_commit,
    read_manifest,
    verify,
    verify_folder,
)
from bluegrid_registry.formats import layout
from tests.support.skops_files import skops_file
from tests.unit.bluegrid_registry.pushes import TYPE, version
from tests.unit.bluegrid_registry.recorded import ROWS, all_examples, manifest_of

if TYPE_CHECKING:
    from bluegrid_registry import Store

OLD = Path(__file__).parents[3] / "support" / "store_of_format_1"
"""A store of the release before recorded examples went to packs, with these models; v2 has line-3 alone."""
OLD_EXAMPLES = {
    "line-1": Example(inputs=((1.5, 2.0), (0.1, 1e-9)), outputs=(3.0, 0.1), rtol=1e-3),
    "line-2": ROWS,
    "变压器 4": ROWS,
}
OLD_MODELS = {"line-1": "one", "line-2": "two", "line-3": "three", "变压器 4": "four"}


def old_models(examples: dict[str, Example] = OLD_EXAMPLES) -> list[SourceModel]:
    return [
        SourceModel(uid, skops_file(text, 2), (examples[uid],) if uid in examples else ())
        for uid, text in OLD_MODELS.items()
    ]


@pytest.fixture
def old_store(tmp_path: Path) -> Store:
    shutil.copytree(OLD, tmp_path / "old")
    return open_store((tmp_path / "old").as_uri())


def old_version(store: Store, version_id: str) -> Version:
    commit = read_commit(store, "g1", version_id)
    return Version(id=version_id, manifest=commit.manifest, updated=commit.time)


def test_a_version_of_format_1_is_read(old_store: Store, tmp_path: Path) -> None:
    v1 = old_version(old_store, "v1")
    fetched = fetch(old_store, "g1", "v1", v1.manifest, tmp_path / "into")
    assert dict(fetched.examples) == {uid: (example,) for uid, example in OLD_EXAMPLES.items()}
    assert {uid: path.read_bytes() for uid, path in fetched.paths.items()} == {
        uid: skops_file(text, 2) for uid, text in OLD_MODELS.items()
    }
    assert verify(old_store, "g1", [v1]).is_sound
    assert verify_folder(old_store, "g1", v1, tmp_path / "into").is_sound


def test_a_version_of_format_1_that_is_pushed_again_is_there_already(old_store: Store) -> None:
    v1 = old_version(old_store, "v1")
    report = push(old_store, "g1", "v1", old_models(), model_type=TYPE)
    assert (report.already_there, report.sent_bytes, report.manifest) == (True, 0, v1.manifest)
    others = {**OLD_EXAMPLES, "line-2": Example(inputs=ROWS.inputs, outputs=ROWS.outputs, atol=1.0)}
    with pytest.raises(VersionConflict, match="exists with other models"):
        push(old_store, "g1", "v1", old_models(others), model_type=TYPE)


def test_a_version_without_examples_differs_from_format_1_by_its_signature_only(
    old_store: Store, store: Store
) -> None:
    (model,) = (each for each in old_models() if each.uid == "line-3")
    report = push(store, "g1", "v2", [model], model_type=TYPE)
    key = layout.manifest_key("g1", old_version(old_store, "v2").manifest)
    new, old = (
        json.loads(zstandard.ZstdDecompressor().decompress(data))
        for data in (store.get(layout.manifest_key("g1", report.manifest)), old_store.get(key))
    )
    assert new.pop("signature")["inputs"][0]["name"] == "x"
    assert (new.pop("format"), old.pop("format")) == ("bluegrid-manifest/2", "bluegrid-manifest/1")
    assert new == old


def test_an_update_of_a_version_of_format_1_packs_the_examples_that_stay(old_store: Store) -> None:
    new = [SourceModel("line-2", skops_file("again"))]
    base = old_version(old_store, "v1")
    report = push(old_store, "g1", "v3", new, model_type=TYPE, base=base, without=["line-3"])
    manifest = manifest_of(old_store, report)
    assert manifest.format == "bluegrid-manifest/2"
    assert all_examples(old_store, report) == {uid: (OLD_EXAMPLES[uid],) for uid in ("line-1", "变压器 4")}
    rows = {row.uid: row for row in read_manifest(old_store, "g1", "v1", base.manifest).models}
    kept = next(row for row in manifest.models if row.uid == "line-1")
    assert (kept.pack, kept.offset) == (rows["line-1"].pack, rows["line-1"].offset)
    found = compare_versions(old_store, "g1", base, version(report))
    assert [row.uid for row in found.changed] == ["line-2"]


def test_examples_of_format_1_may_take_several_packs_while_models_are_sent(old_store: Store) -> None:
    # One pack at a time: the pack of line-5 is sent before the second pack of examples is filled.
    config = TransferConfig(uploads=1, pack_models=1)
    new = [SourceModel("line-5", skops_file("five"))]
    base = old_version(old_store, "v1")
    report = push(old_store, "g1", "v3", new, model_type=TYPE, base=base, config=config)
    assert all_examples(old_store, report) == {uid: (example,) for uid, example in OLD_EXAMPLES.items()}
