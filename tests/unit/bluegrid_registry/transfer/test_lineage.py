"""Who trained a model, and how good it was, travels in the manifest, and an update keeps it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import (
    FormatError,
    Lineage,
    SourceModel,
    VersionConflict,
    compare_versions,
    models_in_folder,
    push,
)
from tests.support.skops_files import skops_file
from tests.unit.bluegrid_registry.pushes import TYPE, version
from tests.unit.bluegrid_registry.recorded import manifest_of

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_registry import Manifest, PushReport, Store


def model(uid: str, text: str = "", **metrics: float) -> SourceModel:
    lineage = Lineage(run=f"run-{uid}{text}", metrics=metrics) if metrics else None
    return SourceModel(uid, skops_file(f"model {uid}{text}"), lineage=lineage)


def published(
    store: Store, version_id: str, *models: SourceModel, base: PushReport | None = None
) -> PushReport:
    based_on = version(base) if base else None
    return push(store, "g1", version_id, models, model_type=TYPE, base=based_on)


def lineages(manifest: Manifest) -> dict[str, Lineage | None]:
    return {row.uid: row.lineage for row in manifest.models}


def test_a_version_with_lineage_is_of_format_3_and_one_without_stays_as_it_was(store: Store) -> None:
    without = manifest_of(store, published(store, "v1", model("a"), model("b")))
    traced = manifest_of(store, published(store, "v2", model("a", mae=0.5), model("b")))
    assert (without.format, traced.format) == ("bluegrid-manifest/1", "bluegrid-manifest/3")
    assert lineages(traced) == {"a": Lineage(run="run-a", metrics={"mae": 0.5}), "b": None}


def test_an_update_keeps_the_lineage_of_other_models(store: Store) -> None:
    first = published(store, "v1", model("a", mae=0.5), model("b", mae=0.25), model("c", mae=0.75))
    second = published(store, "v2", model("b", " again", mae=0.125), model("c", " again"), base=first)
    before, after = manifest_of(store, first), manifest_of(store, second)
    assert after.models[0] == before.models[0]
    assert lineages(after) == {
        "a": Lineage(run="run-a", metrics={"mae": 0.5}),
        "b": Lineage(run="run-b again", metrics={"mae": 0.125}),
        "c": None,
    }


def test_the_same_bytes_may_get_another_lineage_or_none(store: Store) -> None:
    first = published(store, "v1", model("a", mae=0.5), model("b", mae=0.5))
    same = model("a")
    second = published(
        store, "v2", same, SourceModel("b", model("b").content, lineage=Lineage(author="ada")), base=first
    )
    assert lineages(manifest_of(store, second)) == {"a": None, "b": Lineage(author="ada")}
    assert second.sent_models == 0


def test_a_version_without_any_traced_model_left_is_of_an_earlier_format(store: Store) -> None:
    first = published(store, "v1", model("a", mae=0.5), model("b"))
    report = push(store, "g1", "v2", (), model_type=TYPE, base=version(first), without=["a"])
    assert manifest_of(store, report).format == "bluegrid-manifest/1"


def test_a_push_again_is_the_same_version_unless_its_lineage_differs(store: Store) -> None:
    first = published(store, "v1", model("a", mae=0.5))
    again = published(store, "v1", model("a", mae=0.5))
    assert (again.already_there, again.manifest) == (True, first.manifest)
    with pytest.raises(VersionConflict, match=r"version v1: exists with another lineage of the same models"):
        published(store, "v1", model("a", mae=0.75))


def test_a_folder_has_the_lineage_of_its_models_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "feeder").mkdir()
    for uid in ("line-17", "feeder/7"):
        (tmp_path / f"{uid}.skops").write_bytes(skops_file(uid))
    (tmp_path / "lineage.json").write_text(json.dumps({"feeder/7": {"author": "ada"}}))
    found = {model.uid: model.lineage for model in models_in_folder(tmp_path, TYPE)}
    assert found == {"feeder/7": Lineage(author="ada"), "line-17": None}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"a": {"metrics": {"mae": NaN}}}',
            "a.metrics.mae: Input should be a finite number; leave the metr",
        ),
        ('{"b": {"author": "ada"}}', "b has a lineage and no model; correct the UID, or add the model"),
        ('{"a": {}, "a": {}}', "a is there twice; keep one of them"),
        ("[]", "whole: expected an object of lineages by UID"),
    ],
)
def test_a_mistake_in_the_file_is_one_line(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.skops").write_bytes(skops_file("a"))
    (tmp_path / "lineage.json").write_text(text)
    with pytest.raises(FormatError, match=r"lineage\.json: ") as caught:
        models_in_folder(tmp_path, TYPE)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_versions_are_compared_by_the_metrics_of_models_that_were_trained_again(store: Store) -> None:
    first = published(store, "v1", model("a", mae=0.5, r2=0.5), model("b", mae=0.25), model("c", mae=9.0))
    second = published(
        store, "v2", model("a", " again", mae=0.25, r2=0.5), model("b", " again", mae=0.375), base=first
    )
    found = compare_versions(store, "g1", version(first), version(second), with_answers=False)
    assert [*map(str, found.metrics)] == [
        "mae median 0.375 -> 0.3125, rose in 1 of 2 models, fell in 1",
        "r2 0.5 -> 0.5, the same in 1 model",
    ]
    assert [row.metrics for row in found.changed] == [
        {"mae": (0.5, 0.25), "r2": (0.5, 0.5)},
        {"mae": (0.25, 0.375)},
    ]
    assert found.changed[0].lineage == Lineage(run="run-a again", metrics={"mae": 0.25, "r2": 0.5})
