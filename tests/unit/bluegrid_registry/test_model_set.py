"""A model set from Python: models from memory become a version in the store and a row in the registry."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LinearRegression

from bluegrid_registry import (
    BluegridError,
    Example,
    Lineage,
    ModelSet,
    Registry,
    SourceModel,
    VersionConflict,
    add_version,
    open_store,
    read_manifest,
    stored_examples,
)
from bluegrid_registry.model_set import _serialised, push_version
from tests.support.skops_files import skops_file

if TYPE_CHECKING:
    from pathlib import Path

FILE = """\
set: {id: g1, name: Line loading, task: regression, type: scikit-learn/skops, source: platform}
versions: []  # by push
"""


@pytest.fixture
def model_set(tmp_path: Path) -> ModelSet:
    for name in ("registry", "store"):
        (tmp_path / name).mkdir()
    (tmp_path / "registry" / "g1.yaml").write_text(FILE)
    return ModelSet.open("g1", tmp_path / "registry", f"file://{tmp_path / 'store'}")


def fitted(slope: float) -> LinearRegression:
    return LinearRegression().fit(np.array([[0.0], [1.0]]), np.array([0.0, slope]))


def contents(model_set: ModelSet, version: str, tmp_path: Path) -> dict[str, bytes]:
    paths = model_set.fetch(version, tmp_path / "into").paths
    return {uid: path.read_bytes() for uid, path in paths.items()}


def test_bytes_paths_and_fitted_models_become_a_version(model_set: ModelSet, tmp_path: Path) -> None:
    (tmp_path / "two.skops").write_bytes(skops_file("from a file"))
    models = {"line-3": fitted(3), "line-1": skops_file("from memory"), "line-2": tmp_path / "two.skops"}
    report = model_set.push("v1", models)
    assert [(row.id, row.manifest) for row in model_set.versions] == [("v1", report.manifest)]
    fetched = contents(model_set, "v1", tmp_path)
    assert (fetched["line-1"], fetched["line-2"]) == (skops_file("from memory"), skops_file("from a file"))
    loaded = skops.io.loads(fetched["line-3"], trusted=[])
    assert loaded.predict(np.array([[2.0]])) == pytest.approx([6.0])


def test_an_update_takes_its_base_from_the_registry(model_set: ModelSet, tmp_path: Path) -> None:
    model_set.push("v1", {f"line-{number}": skops_file(f"old {number}") for number in range(5)})
    report = model_set.push("v2", {"line-1": skops_file("new")}, base="v1", without=["line-[34]"])
    assert report.sent_models == 1
    assert contents(model_set, "v2", tmp_path) == {
        "line-0": skops_file("old 0"),
        "line-1": skops_file("new"),
        "line-2": skops_file("old 2"),
    }


def test_an_update_can_start_from_a_version_that_only_the_store_has(
    model_set: ModelSet, tmp_path: Path
) -> None:
    file = Registry.load(model_set.registry).of_set("g1")
    models = {"line-1": skops_file("old"), "line-2": skops_file("two")}
    base = push_version(model_set.store, file, "v1", models).row
    model_set.push("v2", {"line-1": skops_file("new")}, base=base)
    assert [row.id for row in model_set.versions] == ["v2"]
    assert contents(model_set, "v2", tmp_path) == {"line-1": skops_file("new"), "line-2": skops_file("two")}


def test_a_pushed_version_is_declared_by_the_caller_with_the_report_s_row(model_set: ModelSet) -> None:
    file = Registry.load(model_set.registry).of_set("g1")
    report = push_version(model_set.store, file, "v1", {"line-1": skops_file("one")})
    assert not model_set.versions
    add_version(model_set.registry, "g1", report.row)
    assert model_set.versions == (report.row,)
    assert report.row.updated == report.published


def test_recorded_examples_travel_with_models_from_memory(model_set: ModelSet) -> None:
    example = Example(inputs=((1.0,),), outputs=(2.0,))
    report = model_set.push(
        "v1", {"line-1": skops_file("one"), "line-2": skops_file("two")}, examples={"line-2": example}
    )
    manifest = read_manifest(model_set.store, "g1", "v1", report.manifest)
    found = stored_examples(model_set.store, manifest, manifest.models)
    assert dict(found) == {"line-2": (example,)}


def test_the_lineage_of_models_from_memory_is_in_the_manifest(model_set: ModelSet) -> None:
    trained = Lineage(author="ada", metrics={"mae": 0.5})
    models = {"line-1": skops_file("one"), "line-2": skops_file("two")}
    report = model_set.push("v1", models, lineage={"line-2": trained})
    manifest = read_manifest(model_set.store, "g1", "v1", report.manifest)
    assert [row.lineage for row in manifest.models] == [None, trained]


def test_a_generator_of_models_is_a_version(model_set: ModelSet, tmp_path: Path) -> None:
    model_set.push("v1", (SourceModel(f"line-{number}", skops_file(str(number))) for number in range(3)))
    assert contents(model_set, "v1", tmp_path) == {
        "line-0": skops_file("0"),
        "line-1": skops_file("1"),
        "line-2": skops_file("2"),
    }


def test_a_repeated_push_writes_the_same_row(model_set: ModelSet) -> None:
    models = {"line-1": skops_file("one")}
    model_set.push("v1", models)
    before = (model_set.registry / "g1.yaml").read_text()
    assert model_set.push("v1", models).already_there
    assert (model_set.registry / "g1.yaml").read_text() == before
    with pytest.raises(VersionConflict):
        model_set.push("v1", {"line-1": skops_file("another")})


def test_a_fitted_model_is_serialised_when_its_turn_comes(
    model_set: ModelSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def serialised(uid: str, _model: object, _file_type: str) -> bytes:
        asked.append(uid)
        return skops_file(uid)

    monkeypatch.setattr("bluegrid_registry.model_set._serialised", serialised)
    model_set.push("v1", {"b": object(), "a": object(), "c": skops_file("bytes")})
    assert asked == ["a", "b"]


def test_joblib_models_are_serialised() -> None:
    written = _serialised("line-1", fitted(2), "joblib")
    assert joblib.load(io.BytesIO(written)).coef_ == pytest.approx([2.0])
    assert _serialised("line-1", fitted(2), "pickle") == written


@pytest.mark.parametrize(
    ("models", "options", "message"),
    [
        (
            {"line-1": skops_file("x")},
            {"examples": {"line-2": None}},
            "examples: line-2 has an example and no model",
        ),
        (
            {"line-1": skops_file("x")},
            {"lineage": {"line-2": Lineage(author="ada")}},
            "lineage: line-2 has a lineage and no model; correct the UID, or add the model",
        ),
        ({"line-1": skops_file("x")}, {"base": "v9"}, "set g1 has no version v9; declared: none"),
        ({}, {}, "set g1 version v1: no model is left; a version has at least one"),
        ({"a\nb": skops_file("x")}, {}, "not of printable characters"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    models: dict[str, Any], options: dict[str, Any], message: str, model_set: ModelSet
) -> None:
    with pytest.raises(BluegridError, match=message) as caught:
        model_set.push("v1", models, **options)
    assert "\n" not in str(caught.value)
    assert not model_set.versions


def test_a_model_that_no_library_can_write_is_told() -> None:
    with pytest.raises(
        BluegridError, match=r"model line-1: a LinearRegression cannot be written as onnx; give"
    ):
        _serialised("line-1", fitted(1), "onnx")


def test_a_model_that_cannot_be_pickled_is_told() -> None:
    with pytest.raises(
        BluegridError,
        match=r"^model line-1: a function cannot be written as joblib: .*; define what it consists",
    ):
        _serialised("line-1", lambda: None, "joblib")


def test_a_library_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skops.io", None)
    with pytest.raises(BluegridError, match=r"model line-1: skops needs skops.io; install it"):
        _serialised("line-1", fitted(1), "skops")


def test_the_store_comes_from_the_environment_or_is_asked_for(
    model_set: ModelSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLUEGRID_STORE", "file:///elsewhere")
    assert ModelSet.open("g1", model_set.registry).store.url == "file:///elsewhere"
    given = open_store("file:///given")
    assert ModelSet.open("g1", model_set.registry, given).store is given
    monkeypatch.delenv("BLUEGRID_STORE")
    with pytest.raises(
        BluegridError, match="set g1: no store is named; give its address, or set BLUEGRID_STORE"
    ):
        ModelSet.open("g1", model_set.registry)
