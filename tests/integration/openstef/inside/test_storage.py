"""A run of OpenSTEF's workflows makes a version of a set in place of runs in MLflow."""

from __future__ import annotations

import gc
import pickle
import warnings
from typing import TYPE_CHECKING, Any

import joblib
import pytest
from openstef_core.exceptions import ModelNotFoundError, OpenSTEFVersionCompatibilityError
from openstef_models.integrations.mlflow import MLFlowStorage
from pydantic import ValidationError

from bluegrid_openstef.storage import BluegridStorage
from bluegrid_registry import ConfigError, DeclaredSet, FormatError, Lineage, ModelSet, add_set
from bluegrid_registry.model_types import pickle_scan
from tests.integration.openstef.inside.feeders import ALWAYS, FEEDERS, fit, lineage, manifest, versions
from tests.integration.openstef.inside.pipelines import Series, new_model, new_workflow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def test_a_run_over_many_targets_makes_one_version(storage: BluegridStorage, series: Series) -> None:
    with storage:
        for uid in FEEDERS:
            fit(storage, uid, series)
        assert versions(storage) == []
    assert versions(storage) == ["v1"]
    assert [row.uid for row in manifest(storage, "v1").models] == sorted(FEEDERS)


def test_the_next_run_sends_what_it_has_trained_alone(storage: BluegridStorage, series: Series) -> None:
    with storage:
        for uid in FEEDERS:
            fit(storage, uid, series)
    fit(storage, FEEDERS[1], series, kind="flatliner", **ALWAYS)
    report = storage.publish()
    assert report is not None
    assert (report.version, report.models, report.sent_models) == ("v2", 3, 1)
    before, after = ({row.uid: row.sha256 for row in manifest(storage, v).models} for v in ("v1", "v2"))
    assert {uid for uid in FEEDERS if before[uid] != after[uid]} == {FEEDERS[1]}


def test_a_pickle_is_read_for_its_names_once(
    storage: BluegridStorage, series: Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, globals_of = list[bytes](), pickle_scan.globals_of

    def counted(data: bytes) -> frozenset[str]:
        read.append(data)
        return globals_of(data)

    monkeypatch.setattr(pickle_scan, "globals_of", counted)
    fit(storage, FEEDERS[0], series)
    assert storage.publish() is not None
    assert len(read) == 1
    assert set(manifest(storage, "v1").globals or ()) == globals_of(read[0])


def test_a_run_that_trains_nothing_makes_no_version(storage: BluegridStorage) -> None:
    with storage:
        pass
    assert storage.publish() is None
    assert versions(storage) == []


def test_an_exception_publishes_nothing_and_loses_nothing(storage: BluegridStorage, series: Series) -> None:
    def run() -> None:
        with storage:
            fit(storage, FEEDERS[0], series)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert versions(storage) == []
    assert storage.publish() is not None
    assert versions(storage) == ["v1"]


def test_what_is_discarded_is_not_published(storage: BluegridStorage, series: Series) -> None:
    fit(storage, FEEDERS[0], series)
    storage.discard()
    assert storage.search_latest_runs(FEEDERS[0]) == []
    assert storage.publish() is None


def test_a_version_says_who_trained_each_model_and_how_good_it_is(
    place: Mapping[str, Any], series: Series
) -> None:
    storage = BluegridStorage(**place, author="nightly", commit="9f2c0aa")
    _, result = fit(storage, FEEDERS[0], series, tags={"season": "winter"})
    storage.publish()
    found = lineage(storage, "v1", FEEDERS[0])
    assert (found.author, found.commit) == ("nightly", "9f2c0aa")
    assert found.tags is not None
    assert (found.tags["season"], found.tags["model_type"]) == ("winter", "constant_quantile")
    assert found.data == f"{series.data.index[0]} to {series.data.index[-1]}, {len(series.data.index)} rows"
    assert any(each.startswith("openstef-models==4.") for each in found.requirements or ())
    assert found.metrics is not None
    # What OpenSTEF compares old and new models by is always among the metrics that fit.
    assert found.metrics["full_0.5_R2"] == pytest.approx(
        result.metrics_to_flat_dict()["full_0.5_R2"], rel=1e-5
    )


def test_what_another_process_trains_becomes_part_of_the_version(
    storage: BluegridStorage, series: Series
) -> None:
    fit(storage, FEEDERS[0], series)
    other = pickle.loads(pickle.dumps(storage))
    fit(other, FEEDERS[1], series)
    storage.add(pickle.loads(pickle.dumps(other.take())))
    assert other.publish() is None
    storage.publish()
    assert [row.uid for row in manifest(storage, "v1").models] == [*FEEDERS[:2]]


def test_a_workflow_that_is_copied_has_the_same_storage(storage: BluegridStorage, series: Series) -> None:
    new_workflow(FEEDERS[0], storage).with_run_name("nightly").fit(series.data)
    storage.publish()
    found = lineage(storage, "v1", FEEDERS[0]).tags
    assert found is not None
    assert found["mlflow.runName"] == "nightly"


def test_what_the_set_cannot_hold_is_refused_at_its_own_fit(storage: BluegridStorage, series: Series) -> None:
    run_id = storage.create_run(FEEDERS[0]).info.run_id
    with pytest.raises(FormatError, match=r"^model mv_feeder/OS Edam: is a joblib pickle, not a forecasting"):
        storage.save_run_model(FEEDERS[0], run_id, [1, 2])
    fit(storage, FEEDERS[1], series)
    storage.publish()
    assert [row.uid for row in manifest(storage, "v1").models] == [FEEDERS[1]]


def test_a_run_that_failed_leaves_no_model(storage: BluegridStorage, files: Mapping[str, Path]) -> None:
    run_id = storage.create_run(FEEDERS[0]).info.run_id
    storage.save_run_model(FEEDERS[0], run_id, joblib.load(files["flatliner"]))
    storage.finalize_run(FEEDERS[0], run_id, status="FAILED")
    assert storage.publish() is None


def test_a_model_that_cannot_be_loaded_does_not_stop_its_training(
    storage: BluegridStorage, series: Series, tmp_path: Path
) -> None:
    joblib.dump(new_model("gblinear"), tmp_path / "unfitted.joblib")
    models = {FEEDERS[0]: tmp_path / "unfitted.joblib"}
    ModelSet.open("load", storage.registry, storage.store).push("v1", models)
    storage.refresh()
    with pytest.raises(ModelNotFoundError):
        new_workflow(FEEDERS[0], storage).predict(series.recent)
    assert fit(storage, FEEDERS[0], series)[1] is not None


def test_a_model_of_another_openstef_is_refused_where_this_is_enforced(
    place: Mapping[str, Any], files: Mapping[str, Path], series: Series
) -> None:
    models, old = {FEEDERS[0]: files["flatliner"]}, Lineage(tags={"openstef_version": "4.1.0"})
    ModelSet.open("load", place["registry"], place["store"]).push("v1", models, lineage={FEEDERS[0]: old})
    assert len(new_workflow(FEEDERS[0], BluegridStorage(**place)).predict(series.recent).data)
    strict = BluegridStorage(**place, enforce_version_compatibility=True)
    with pytest.raises(OpenSTEFVersionCompatibilityError, match=r"4\.1\.0"):
        new_workflow(FEEDERS[0], strict).predict(series.recent)
    assert fit(strict, FEEDERS[0], series)[1] is not None


def test_data_and_plots_stay_where_a_folder_is_named(
    place: Mapping[str, Any], series: Series, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = {*tmp_path.iterdir()}
    fit(BluegridStorage(**place), FEEDERS[0], series, kind="gblinear")
    assert {*tmp_path.iterdir()} == before
    fit(BluegridStorage(**place, local_artifacts_path=tmp_path / "kept"), FEEDERS[0], series, kind="gblinear")
    assert {path.name for path in (tmp_path / "kept").rglob("*.*")} >= {"data.parquet"}


def test_the_data_of_a_run_that_never_ended_goes_with_its_storage(
    place: Mapping[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = {*tmp_path.iterdir()}
    storage = BluegridStorage(**place)
    run_id = storage.create_run(FEEDERS[0]).info.run_id
    (storage.get_artifacts_path(FEEDERS[0], run_id) / "data.parquet").touch()
    assert {*tmp_path.iterdir()} != before
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        del storage
        gc.collect()
    assert {*tmp_path.iterdir()} == before


def test_models_move_from_mlflow_by_the_same_interface(
    storage: BluegridStorage, series: Series, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    old = MLFlowStorage(tracking_uri=str(tmp_path / "mlruns"), local_artifacts_path=tmp_path / "artifacts")
    fitted, _ = fit(old, FEEDERS[0], series, tags={"season": "winter"})
    with storage:
        # As docs/guide/from-mlflow.md has it.
        (run,) = old.search_latest_runs(FEEDERS[0])
        model = old.load_run_model(run.info.run_id, FEEDERS[0])
        moved = storage.create_run(FEEDERS[0], tags=model.tags).info.run_id
        storage.save_run_model(FEEDERS[0], moved, model)
        storage.finalize_run(FEEDERS[0], moved, metrics=run.data.metrics)
    assert lineage(storage, "v1", FEEDERS[0]).metrics
    fresh = new_workflow(FEEDERS[0], storage)
    assert fresh.predict(series.recent).data.equals(fitted.predict(series.recent).data)


def test_settings_of_mlflow_are_refused(place: Mapping[str, Any]) -> None:
    with pytest.raises(
        ConfigError, match=r"^tracking_uri: is of MLflow, and BluegridStorage has none; leave"
    ):
        BluegridStorage(**place, tracking_uri="sqlite:///mlflow.db")
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        BluegridStorage(**place, experiment="load")


def test_a_set_of_another_type_is_refused(place: Mapping[str, Any]) -> None:
    other = {"id": "g1", "name": "Lines", "task": "regression", "type": "xgboost/ubj", "source": "platform"}
    add_set(place["registry"], DeclaredSet.model_validate(other))
    with pytest.raises(
        ConfigError, match=r"^set g1 holds xgboost/ubj, and OpenSTEF's models are openstef/joblib"
    ):
        BluegridStorage(**{**place, "set_id": "g1"})


def test_a_target_that_is_no_uid_is_refused(storage: BluegridStorage) -> None:
    with pytest.raises(ConfigError, match=r"^set load: model 'feeder\\n7': UID .* is not of printable"):
        storage.search_latest_runs("feeder\n7")


def test_a_search_that_versions_cannot_answer_is_refused(storage: BluegridStorage) -> None:
    with pytest.raises(
        ConfigError, match=r"^model a: runs by 'metrics\.R2 > 0' in the order .* are not kept"
    ):
        storage.search_latest_runs("a", filter_string="metrics.R2 > 0")
