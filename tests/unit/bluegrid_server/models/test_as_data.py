"""A version whose linear models are read as data while it is fetched."""

from __future__ import annotations

import gc
import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import lightgbm
import numpy as np
import pytest
import skops.io
import xgboost
from sklearn.ensemble import RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from structlog.testing import capture_logs

from bluegrid_registry import ModelType
from bluegrid_registry.errors import ModelError
from bluegrid_server.frameworks.compiler import TREES
from bluegrid_server.frameworks.linear import LinearModel
from bluegrid_server.frameworks.tree_model import TreeModel
from bluegrid_server.frameworks.tree_table import TreeTable
from bluegrid_server.models import version as versions
from bluegrid_server.models.as_data import check_alike
from bluegrid_server.models.file_pool import FilePool
from bluegrid_server.models.shared_trees import TreeBlock
from bluegrid_server.models.version import AsData, fetch_version
from tests.support.pods import ROWS, published

if TYPE_CHECKING:
    from collections.abc import Callable

    from bluegrid_server.settings import Settings
    from tests.support.pods import Trained


def pool_of(settings: Settings, as_data: AsData) -> FilePool:
    pool = FilePool(fetch_version(settings, lambda _: None, as_data), settings)
    pool.load_all(lambda _: None)
    return pool


def files(settings: Settings) -> list[str]:
    return [path.name for path in settings.models.rglob("*.skops")]


@pytest.fixture
def mixed(trained: Trained, publish: Callable[[Path], Settings], tmp_path: Path) -> Settings:
    """A version of linear models and one that is not."""
    folder = Path(shutil.copytree(trained.folder, tmp_path / "mixed"))
    skops.io.dump(SVR().fit(np.eye(3), [0.0, 1.0, 2.0]), folder / "vector.skops")
    return publish(folder)


def test_models_that_are_read_as_data_are_never_written_to_files(
    settings: Settings, trained: Trained
) -> None:
    pool = pool_of(settings, AsData.RELIED_ON)
    assert files(settings) == []
    for uid, predictions in trained.predictions.items():
        (y,) = pool[uid].model.predict({"x": np.array(ROWS)}).values()
        assert y.tolist() == pytest.approx(predictions)


def test_other_models_of_the_version_are_loaded_by_their_framework(mixed: Settings) -> None:
    pool = pool_of(mixed, AsData.RELIED_ON)
    assert len(files(mixed)) == 1
    assert {uid: type(served.model).__name__ for uid, served in pool.items()} == {
        "line-1": "LinearModel",
        "line-2": "LinearModel",
        "trafo-1": "LinearModel",
        "vector": "SklearnModel",
    }


def test_a_second_start_in_the_same_folder_serves_the_same_models(mixed: Settings) -> None:
    first, second = (pool_of(mixed, AsData.RELIED_ON) for _ in range(2))
    assert [*first] == [*second]
    assert [type(served.model) for served in first.values()] == [
        type(served.model) for served in second.values()
    ]


def test_files_that_are_there_already_are_read_as_data_too(settings: Settings) -> None:
    pool_of(settings, AsData.NONE)
    assert len(files(settings)) == 3
    assert all(isinstance(each.model, LinearModel) for each in pool_of(settings, AsData.RELIED_ON).values())


@pytest.mark.parametrize("changed", [{"load": "lazy"}, {"gpu": 1}])
def test_models_that_are_loaded_on_request_or_for_a_gpu_stay_with_their_framework(
    settings: Settings, changed: dict[str, Any]
) -> None:
    version = fetch_version(settings.model_copy(update=changed), lambda _: None, AsData.RELIED_ON)
    assert version.data_models is None
    assert len(files(settings)) == 3


def test_a_preflight_refuses_a_model_that_is_read_otherwise_than_it_is_loaded(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool_of(settings, AsData.COMPARED)
    other = LinearModel(np.ones((3, 3)), 0.0)
    monkeypatch.setattr(versions, "reader_of", lambda *_, **__: lambda _: other)
    with pytest.raises(ModelError, match=r"model line-1 is read as data, and its framework loads it other"):
        pool_of(settings, AsData.COMPARED)


def test_a_fault_of_a_reader_is_logged_once_and_leaves_the_models_to_their_framework(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(_: bytes) -> Any:
        return None.numbers  # type: ignore[attr-defined]

    monkeypatch.setattr(versions, "reader_of", lambda *_, **__: faulty)
    with capture_logs() as logs:
        pool_of(settings, AsData.RELIED_ON)
    assert len(files(settings)) == 3
    (log,) = logs
    assert log["log_level"] == "warning"
    assert log["event"].startswith("models are left to their framework: their reader failed")
    assert log["type"] == "scikit-learn/skops"
    assert log["error"] == "AttributeError: 'NoneType' object has no attribute 'numbers'"


def test_nothing_is_logged_of_models_that_are_not_read_as_data(mixed: Settings) -> None:
    with capture_logs() as logs:
        pool_of(mixed, AsData.RELIED_ON)
    assert logs == []


@pytest.mark.parametrize("as_data", [AsData.RELIED_ON, AsData.COMPARED])
def test_a_damaged_file_is_refused_in_the_words_of_its_framework(
    trained: Trained, publish: Callable[[Path], Settings], tmp_path: Path, as_data: AsData
) -> None:
    folder = Path(shutil.copytree(trained.folder, tmp_path / "damaged"))
    with ZipFile(folder / "line-1.skops") as intact:
        members = {name: intact.read(name) for name in intact.namelist()}
    with ZipFile(folder / "line-1.skops", "w") as damaged:
        for name, member in members.items():
            damaged.writestr(name, member.replace(b'"content": "true"', b'"content": "ture"'))
    with (
        capture_logs(),
        pytest.raises(ModelError, match=r"model line-1 is no skops file .*\(JSONDecodeError"),
    ):
        pool_of(publish(folder), as_data)


@pytest.fixture
def forests(publish: Callable[[Path], Settings], tmp_path: Path) -> Settings:
    """A version of two forests."""
    (tmp_path / "forests").mkdir()
    for number in range(2):
        rows = np.random.default_rng(number).normal(size=(60, 3))
        forest = RandomForestRegressor(4, max_depth=3, random_state=0).fit(rows, rows[:, 0])
        skops.io.dump(forest, tmp_path / "forests" / f"line-{number}.skops")
    return publish(tmp_path / "forests")


def test_forests_are_loaded_before_their_framework_is_imported(forests: Settings) -> None:
    version = fetch_version(forests, lambda _: None, AsData.RELIED_ON)
    FilePool(version, forests).load_all(lambda _: None)
    assert version.imports_later
    version.import_framework()
    assert not version.imports_later


def test_linear_models_never_need_their_framework(settings: Settings) -> None:
    assert not fetch_version(settings, lambda _: None, AsData.RELIED_ON).imports_later


@pytest.fixture(params=["xgboost/ubj", "xgboost/json", "lightgbm/txt"])
def boosters(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A version of two boosters, with a recorded example each."""
    kind = ModelType.parse(request.param)
    (tmp_path / "boosters").mkdir()
    examples = {}
    rows = np.random.default_rng(0).normal(size=(60, 3))
    for number in range(2):
        path = tmp_path / "boosters" / f"line-{number}.{kind.file_type}"
        booster: Any
        answers: Any
        if kind.framework == "xgboost":
            booster = xgboost.train({"max_depth": 3}, xgboost.DMatrix(rows, rows[:, number]), 4)
            answers = booster.inplace_predict(rows[:2])
        else:
            data = lightgbm.Dataset(rows, rows[:, number])
            booster = lightgbm.train({"verbose": -1, "num_leaves": 4, "num_threads": 1}, data, 4)
            answers = booster.predict(rows[:2])
        booster.save_model(path)
        examples[f"line-{number}"] = {"inputs": rows[:2].tolist(), "outputs": answers.tolist()}
    (tmp_path / "boosters" / "examples.json").write_text(json.dumps(examples))
    return published(tmp_path, tmp_path / "boosters", kind)


def test_boosters_are_read_as_data_as_a_preflight_proves_them(boosters: Settings) -> None:
    pool = pool_of(boosters, AsData.RELIED_ON)
    loaded = pool_of(boosters.model_copy(update={"models": boosters.models / "other"}), AsData.COMPARED)
    rows = np.vstack([ROWS, [[np.nan, 1.0, 2.0]]])
    for uid, served in pool.items():
        assert isinstance(served.model, TreeModel)
        assert served.acceleration == loaded[uid].acceleration == TREES
        assert served.model.outputs == loaded[uid].model.outputs
        for each in (np.array(ROWS), rows):
            got, expected = (pool[uid].model.predict({"x": each})["y"] for pool in (pool, loaded))
            assert got.tolist() == expected.tolist()


def test_a_booster_whose_table_misses_its_example_stays_with_its_framework(
    boosters: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missed(model: Any, examples: Any) -> None:
        if isinstance(model, TreeModel) and examples:
            raise ModelError("does not answer as recorded")

    monkeypatch.setattr(versions, "reproduce", missed)
    for how in (AsData.COMPARED, AsData.RELIED_ON):
        pool = FilePool(fetch_version(boosters, lambda _: None, how), boosters)
        assert type(pool["line-0"].model).__name__ == "BoosterModel"
        assert "misses its recorded example" in str(pool["line-0"].acceleration)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_trees_are_read_as_data_and_stay_in_files_for_their_framework(forests: Settings) -> None:
    pool = pool_of(forests, AsData.RELIED_ON)
    loaded = pool_of(forests.model_copy(update={"models": forests.models / "other"}), AsData.COMPARED)
    assert len(files(forests)) == 4
    rows = np.array(ROWS)
    for uid, served in pool.items():
        assert isinstance(served.model, TreeModel)
        assert served.acceleration == loaded[uid].acceleration
        assert served.model.inputs == loaded[uid].model.inputs
        assert served.model.outputs == loaded[uid].model.outputs
        for each in (rows, np.vstack([rows, [[np.nan, 1.0, 2.0]]]), rows * 1e300):
            try:
                expected: Any = loaded[uid].model.predict({"x": each})["y"].tolist()
            except ValueError as error:
                with pytest.raises(ValueError, match=re.escape(str(error))):
                    served.model.predict({"x": each})
            else:
                assert served.model.predict({"x": each})["y"].tolist() == expected


def test_a_table_that_is_in_shared_memory_is_nowhere_else(forests: Settings) -> None:
    def tables() -> list[TreeTable]:
        gc.collect()
        return [each for each in gc.get_objects() if isinstance(each, TreeTable)]

    before = {id(each) for each in tables()}
    pool = FilePool(fetch_version(forests, lambda _: None, AsData.RELIED_ON), forests)
    pool.load_all(lambda _: None, TreeBlock())
    assert len([each for each in tables() if id(each) not in before]) == len(pool) == 2


def test_a_model_of_trees_that_was_unloaded_is_loaded_again(forests: Settings) -> None:
    pool = pool_of(forests, AsData.RELIED_ON)
    expected = pool["line-0"].model.predict({"x": np.array(ROWS)})["y"].tolist()
    pool.unload("line-0")
    pool.load("line-0")
    assert isinstance(pool["line-0"].model, TreeModel)
    assert pool["line-0"].model.predict({"x": np.array(ROWS)})["y"].tolist() == expected


def test_a_preflight_accepts_forests_after_a_scaler_of_any_range(
    publish: Callable[[Path], Settings], tmp_path: Path
) -> None:
    (tmp_path / "ranges").mkdir()
    rows = np.random.default_rng(0).normal(size=(60, 3))
    for number, factor in enumerate([1e-80, 1e-3, 1e14, 1e37, 1e60]):
        forest = make_pipeline(StandardScaler(), RandomForestRegressor(2, max_depth=2, random_state=0))
        skops.io.dump(forest.fit(rows * factor, rows[:, 0]), tmp_path / "ranges" / f"line-{number}.skops")
    settings = publish(tmp_path / "ranges")
    proven = pool_of(settings, AsData.COMPARED)
    for uid, served in pool_of(settings, AsData.RELIED_ON).items():
        assert served.acceleration == proven[uid].acceleration


def test_trees_stay_with_their_framework_if_the_set_wants_no_acceleration(forests: Settings) -> None:
    plain = forests.model_copy(update={"accelerate": "none"})
    assert not any(isinstance(each.model, TreeModel) for each in pool_of(plain, AsData.RELIED_ON).values())
    pool_of(plain, AsData.COMPARED)


def test_models_are_alike_only_if_all_of_their_numbers_and_names_are() -> None:
    table = np.arange(1.0, 7.0).reshape(3, 2)
    model = LinearModel(table, 1.0, ("a", "b"))
    check_alike(None, model)
    check_alike(LinearModel(table.copy(), 1.0, ("a", "b")), model)
    for other in (
        LinearModel(np.nextafter(table, 9), 1.0, ("a", "b")),
        LinearModel(table, 2.0, ("a", "b")),
        LinearModel(table, 1.0, ("a", "c")),
        LinearModel(table, 1.0),
    ):
        with pytest.raises(ModelError):
            check_alike(other, model)
