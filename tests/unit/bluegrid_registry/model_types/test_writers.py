"""The framework version that wrote a model is read from its bytes; a push refuses unknown major versions."""

from __future__ import annotations

import io
import json
import zipfile

import catboost
import lightgbm
import numpy as np
import pytest
import xgboost

from bluegrid_registry import FormatError, ModelType
from bluegrid_registry.model_types import writers
from tests.support.samples import SAMPLES

X = np.random.default_rng(0).normal(size=(40, 3))
BOOSTER = xgboost.train({"nthread": 1}, xgboost.DMatrix(X, X[:, 0]), num_boost_round=2)
UBJ, JSON = (bytes(BOOSTER.save_raw(kind)) for kind in ("ubj", "json"))
TREES = (
    lightgbm.train({"verbosity": -1, "num_threads": 1}, lightgbm.Dataset(X, X[:, 0]), num_boost_round=2)
    .model_to_string()
    .encode()
)
VERSION = tuple(map(int, xgboost.__version__.split(".")[:3]))


def zipped(keras_version: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("metadata.json", json.dumps({"keras_version": keras_version}))
        file.writestr("config.json", "{}")
        file.writestr("model.weights.h5", b"")
    return content.getvalue()


def test_the_version_of_xgboost_is_read_of_both_its_formats() -> None:
    assert writers.xgboost_ubj(UBJ) == writers.xgboost_json(JSON) == ".".join(map(str, VERSION))
    # As other programs rewrite it.
    pretty = json.dumps(dict(sorted(json.loads(JSON).items(), reverse=True)), indent=2).encode()
    assert writers.xgboost_json(pretty) == ".".join(map(str, VERSION))


def test_the_format_of_lightgbm_and_the_version_of_keras_are_read() -> None:
    assert writers.lightgbm(TREES) == "v4"
    assert writers.keras(zipped("3.12.1")) == "3.12.1"


def test_the_release_of_catboost_is_read() -> None:
    assert writers.catboost(SAMPLES["catboost/cbm"]()) == catboost.__version__
    # As releases until 1.2.5 wrote it: most named no release.
    assert writers.catboost(b"Branch: heads/master\n Summary: CatBoost release 1.2.5. 73c7da") == "1.2.5"
    assert writers.catboost(b"Branch: heads/master\n Summary: Proper ranges in parameters") is None


def test_what_names_no_version_has_none() -> None:
    assert writers.xgboost_ubj(UBJ[:-40]) is None
    assert writers.xgboost_json(b'{"learner": {}}') is None
    assert writers.lightgbm(b"tree\n") is None
    assert writers.keras(b"PK") is None
    assert writers.spark(b"") is None


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("3.2.0", (3, 2)), ("v4", (4, 0)), ("3.2.0-dev", (3, 2)), ("?", (0, 0)), (None, (0, 0))],
)
def test_a_version_counts_by_its_first_two_numbers(version: str | None, numbers: tuple[int, int]) -> None:
    assert writers.release(version) == numbers


def of_the_future(model_type: str) -> bytes:
    if model_type == "xgboost/ubj":
        major, minor, patch = VERSION
        now = bytes((ord("i"), major, ord("i"), minor, ord("i"), patch))
        assert UBJ.count(now) == 1
        return UBJ.replace(now, bytes((ord("i"), 97, ord("i"), 0, ord("i"), 0)))
    if model_type == "xgboost/json":
        return json.dumps(json.loads(JSON) | {"version": [97, 0, 0]}).encode()
    return TREES.replace(b"version=v4", b"version=v97")


@pytest.mark.parametrize("model_type", ["xgboost/ubj", "xgboost/json", "lightgbm/txt"])
def test_a_file_of_a_version_that_nobody_knows_yet_is_refused_at_push(model_type: str) -> None:
    kind = ModelType.parse(model_type)
    with pytest.raises(
        FormatError, match=rf"^was written by {kind.framework} v?97.*; save it with such a version"
    ):
        kind.check(of_the_future(model_type))


def test_a_keras_file_of_a_version_that_nobody_knows_yet_is_refused_at_push() -> None:
    kind = ModelType.parse("keras/keras")
    kind.check(zipped("3.99.0"))
    with pytest.raises(
        FormatError, match=r"^was written by keras 4\.0\.0, and this release of bluegrid knows"
    ):
        kind.check(zipped("4.0.0"))


@pytest.mark.parametrize(
    ("model_type", "data"), [("xgboost/ubj", UBJ), ("xgboost/json", JSON), ("lightgbm/txt", TREES)]
)
def test_what_frameworks_write_today_is_taken(model_type: str, data: bytes) -> None:
    ModelType.parse(model_type).check(data)
