"""Versions of a model set in place of MLflow: what OpenSTEF's workflows store, find and load."""

from __future__ import annotations

import gc
import pickle
import re
import shutil
import time
import warnings
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import joblib
import pytest
from openstef_core.exceptions import ModelNotFoundError, OpenSTEFVersionCompatibilityError
from openstef_models.integrations.mlflow import MLFlowStorage
from openstef_models.models.forecasting.gblinear_forecaster import GBLinearHyperParams
from pydantic import ValidationError

from bluegrid_openstef.file_type import TYPE
from bluegrid_openstef.storage import BluegridStorage
from bluegrid_registry import (
    ConfigError,
    DeclaredSet,
    FormatError,
    IntegrityError,
    KeyAlgorithm,
    Lineage,
    Manifest,
    ModelSet,
    PrivateKey,
    Registry,
    add_set,
    fetch_bytes,
    load_set,
    open_store,
    read_commit,
    read_manifest,
    remove_version,
    sha256_hex,
    sign,
)
from tests.integration.openstef.inside.pipelines import Series, new_model, new_workflow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FEEDERS = ("mv_feeder/OS Edam", "mv_feeder/OS Gorredijk", "transformer 7")
ALWAYS: Mapping[str, Any] = {"model_reuse_enable": False, "model_selection_enable": False}
"""Every fit gives a new model."""


@pytest.fixture
def place(tmp_path: Path) -> Mapping[str, Any]:
    """The settings of a storage whose set has no versions."""
    registry, store = tmp_path / "registry", tmp_path / "store"
    registry.mkdir()
    store.mkdir()
    names = {"id": "load", "name": "Feeder load", "task": "forecasting", "source": "platform"}
    add_set(registry, DeclaredSet.model_validate({**names, "type": str(TYPE), "kinds": "mixed"}))
    return {"set_id": "load", "registry": registry, "store": store.as_uri()}


@pytest.fixture
def storage(place: Mapping[str, Any]) -> BluegridStorage:
    return BluegridStorage(**place)


def versions(storage: BluegridStorage) -> list[str]:
    return [each.id for each in load_set(storage.registry, "load").versions]


def manifest(storage: BluegridStorage, version: str) -> Manifest:
    row = load_set(storage.registry, "load").version(version)
    return read_manifest(open_store(str(storage.store)), "load", version, row.manifest)


def lineage(storage: BluegridStorage, version: str, uid: str) -> Lineage:
    (found,) = (row.lineage for row in manifest(storage, version).models if row.uid == uid)
    assert found is not None
    return found


def fit(storage: Any, uid: str, series: Series, kind: str = "constant_quantile", **changed: Any) -> Any:
    """Fit a workflow; return it and the result, which is None if fitting was skipped."""
    workflow = new_workflow(uid, storage, kind, **changed)
    return workflow, workflow.fit(series.data)


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


def test_a_workflow_that_is_not_fitted_predicts_by_the_newest_version(
    storage: BluegridStorage, place: Mapping[str, Any], series: Series
) -> None:
    with storage:
        fitted, _ = fit(storage, FEEDERS[0], series, kind="gblinear")
    fresh = new_workflow(FEEDERS[0], BluegridStorage(**place), "gblinear")
    start = series.start.to_pydatetime()
    expected = fitted.predict(series.recent, forecast_start=start).data
    assert fresh.predict(series.recent, forecast_start=start).data.equals(expected)


def test_what_is_trained_is_found_before_it_is_published(storage: BluegridStorage, series: Series) -> None:
    fit(storage, FEEDERS[0], series)
    fresh = new_workflow(FEEDERS[0], storage)
    assert len(fresh.predict(series.recent, forecast_start=series.start.to_pydatetime()).data)
    (run,) = storage.search_latest_runs(FEEDERS[0])
    assert run.data.params
    assert versions(storage) == []


def test_a_target_without_a_model_is_not_found(storage: BluegridStorage, series: Series) -> None:
    assert storage.search_latest_runs("unknown", limit=10) == []
    assert storage.search_run("unknown", "nightly") is None
    with pytest.raises(ModelNotFoundError, match="unknown"):
        new_workflow("unknown", storage).predict(series.recent)


def test_models_are_fetched_once_and_as_one_batch(
    storage: BluegridStorage, place: Mapping[str, Any], series: Series, tmp_path: Path
) -> None:
    with storage:
        for uid in FEEDERS:
            fit(storage, uid, series)
    reader = BluegridStorage(**place)
    new_workflow(FEEDERS[0], reader).predict(series.recent)
    # Whatever is asked of the store now fails.
    shutil.rmtree(tmp_path / "store")
    for uid in FEEDERS:
        assert len(new_workflow(uid, reader).predict(series.recent).data)


@pytest.mark.parametrize(("max_age", "is_skipped"), [(timedelta(days=7), True), (timedelta(0), False)])
def test_a_recent_model_is_not_trained_again(
    max_age: timedelta, is_skipped: bool, storage: BluegridStorage, place: Mapping[str, Any], series: Series
) -> None:
    with storage:
        fit(storage, FEEDERS[0], series)
    later = BluegridStorage(**place)
    settings: dict[str, Any] = {"model_reuse_max_age": max_age, "model_selection_enable": False}
    _, result = fit(later, FEEDERS[0], series, **settings)
    assert (result is None) == is_skipped
    assert (later.publish() is None) == is_skipped


def test_a_model_whose_age_is_not_known_is_trained_again(
    storage: BluegridStorage, files: Mapping[str, Path], series: Series
) -> None:
    models = {FEEDERS[0]: files["constant_quantile"]}
    ModelSet.open("load", storage.registry, storage.store).push("v1", models)
    storage.refresh()
    assert fit(storage, FEEDERS[0], series)[1] is not None


WORSE = {"gblinear_hyperparams": GBLinearHyperParams(n_steps=1)}


def test_a_worse_model_is_dropped_and_the_old_one_stays(storage: BluegridStorage, series: Series) -> None:
    with storage:
        fit(storage, FEEDERS[0], series, kind="gblinear")
    workflow, result = fit(storage, FEEDERS[0], series, kind="gblinear", model_reuse_enable=False, **WORSE)
    assert result is None
    assert storage.publish() is None
    assert workflow.model.hyperparams.n_steps != 1
    assert workflow.model.is_fitted


def test_a_model_with_other_tags_is_not_compared(storage: BluegridStorage, series: Series) -> None:
    with storage:
        fit(storage, FEEDERS[0], series, kind="gblinear")
    changed: dict[str, Any] = {"model_reuse_enable": False, "tags": {"features": "2"}, **WORSE}
    assert fit(storage, FEEDERS[0], series, kind="gblinear", **changed)[1] is not None
    assert storage.publish() is not None


@pytest.mark.parametrize("value", ["", '"', "two\nlines", "Zürich", '"quoted"'])
def test_tags_are_kept_exactly_so_that_equal_ones_are_compared(
    value: str, storage: BluegridStorage, series: Series
) -> None:
    with storage:
        workflow, _ = fit(storage, FEEDERS[0], series, tags={"note": value})
    (run,) = storage.search_latest_runs(FEEDERS[0])
    tags = dict(run.data.tags)
    assert tags.pop("openstef_version").startswith("4.")
    assert tags == workflow.model.tags
    assert tags["note"] == value


def test_tags_that_no_lineage_holds_are_refused(storage: BluegridStorage, series: Series) -> None:
    with pytest.raises(FormatError, match=r"^model transformer 7: lineage\.tags\.note: .*; shorten it"):
        fit(storage, FEEDERS[2], series, tags={"note": "x" * 201})


def test_a_run_is_found_by_its_name_in_an_older_version(storage: BluegridStorage, series: Series) -> None:
    fit(storage, FEEDERS[0], series, run_name="approved", **ALWAYS)
    storage.publish()
    fit(storage, FEEDERS[0], series, kind="flatliner", run_name="nightly", **ALWAYS)
    storage.publish()
    assert [run.info.run_name for run in storage.search_latest_runs(FEEDERS[0], limit=5)] == [
        "nightly",
        "approved",
    ]
    pinned = new_workflow(FEEDERS[0], storage, run_name="approved")
    pinned.predict(series.recent)
    assert pinned.model.tags["model_type"] == "constant_quantile"


def test_models_of_a_pinned_version_are_loaded(place: Mapping[str, Any], series: Series) -> None:
    storage = BluegridStorage(**place)
    for kind in ("constant_quantile", "flatliner"):
        fit(storage, FEEDERS[0], series, kind=kind, **ALWAYS)
        storage.publish()
    for version, kind in ((None, "flatliner"), ("v1", "constant_quantile")):
        workflow = new_workflow(FEEDERS[0], BluegridStorage(**place, version=version))
        workflow.predict(series.recent)
        assert workflow.model.tags["model_type"] == kind


def test_another_version_that_came_first_keeps_its_models(place: Mapping[str, Any], series: Series) -> None:
    first, second = BluegridStorage(**place), BluegridStorage(**place)
    fit(first, FEEDERS[0], series)
    fit(second, FEEDERS[1], series)
    first.publish()
    second.publish()
    assert versions(first) == ["v1", "v2"]
    assert [row.uid for row in manifest(first, "v2").models] == [*FEEDERS[:2]]


def checked_out(place: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """Return the settings of a storage with a copy of the registry, of the same store."""
    return {**place, "registry": shutil.copytree(place["registry"], folder / "registry")}


def digests(storage: BluegridStorage, version: str) -> Mapping[str, str]:
    return {row.uid: row.sha256 for row in manifest(storage, version).models}


@pytest.fixture
def first(storage: BluegridStorage, series: Series) -> BluegridStorage:
    """A storage with version v1 of all feeders."""
    with storage:
        for uid in FEEDERS:
            fit(storage, uid, series)
    return storage


def test_of_runs_at_once_in_two_checkouts_the_later_version_has_what_both_have_trained(
    first: BluegridStorage, place: Mapping[str, Any], series: Series, tmp_path: Path
) -> None:
    other = BluegridStorage(**checked_out(place, tmp_path / "other"))
    with other:
        fit(other, FEEDERS[2], series, "flatliner", **ALWAYS)
        for uid in FEEDERS[:2]:
            with first:
                fit(first, uid, series, "flatliner", **ALWAYS)
    assert versions(first) == ["v1", "v2", "v3"]
    assert versions(other) == ["v1", "v4"]
    trained, later = digests(first, "v3"), digests(other, "v4")
    assert {uid: later[uid] for uid in FEEDERS[:2]} == {uid: trained[uid] for uid in FEEDERS[:2]}
    assert later[FEEDERS[2]] != trained[FEEDERS[2]]
    # All that a pod of the later version needs is there, and its registry is as any other.
    row = Registry.load(other.registry).of_set("load").version("v4")
    models = fetch_bytes(open_store(str(other.store)), "load", row.id, row.manifest)
    assert {uid: sha256_hex(model) for uid, model in models.items()} == later


def test_a_version_that_was_removed_before_the_run_does_not_come_back(
    first: BluegridStorage, series: Series, caplog: pytest.LogCaptureFixture
) -> None:
    with first:
        fit(first, FEEDERS[0], series, "flatliner", **ALWAYS)
    remove_version(first.registry, "load", "v2")
    # Commits have their time in whole seconds.
    published = read_commit(open_store(str(first.store)), "load", "v2").time
    while datetime.now(UTC) < published + timedelta(seconds=1):
        time.sleep(0.05)
    with first:
        fit(first, FEEDERS[1], series, "flatliner", **ALWAYS)
    assert versions(first) == ["v1", "v3"]
    before, after = digests(first, "v1"), digests(first, "v3")
    assert {uid for uid in FEEDERS if before[uid] != after[uid]} == {FEEDERS[1]}
    (line,) = (record.getMessage() for record in caplog.records if record.name.startswith("bluegrid"))
    assert re.fullmatch(
        r"set load version v2: published at .*Z by .*, before this run, and .*load\.yaml does not name it: "
        "its models are left out; pull the registry before a run",
        line,
    )


def test_a_version_of_another_run_must_be_signed_where_the_set_has_keys(
    place: Mapping[str, Any], series: Series, tmp_path: Path
) -> None:
    key = PrivateKey.generate(KeyAlgorithm.ED25519)
    trusted = [{"id": "ops", "public": key.public("ops").text}]
    names = {"id": "signed", "name": "Feeder load", "task": "forecasting", "source": "platform"}
    signed = {**names, "type": str(TYPE), "kinds": "mixed", "keys": trusted}
    add_set(place["registry"], DeclaredSet.model_validate(signed))
    place = {**place, "set_id": "signed"}
    runs = BluegridStorage(**place), BluegridStorage(**checked_out(place, tmp_path / "other"))
    for uid, run in zip(FEEDERS, runs, strict=False):
        fit(run, uid, series, **ALWAYS)
    published = runs[0].publish()
    assert published is not None
    with pytest.raises(
        IntegrityError, match=r"^set signed version v1: is not signed by a trusted key \(ops\)"
    ):
        runs[1].publish()
    sign(open_store(place["store"]), "signed", "v1", published.manifest, key)
    later = runs[1].publish()
    assert later is not None
    assert (later.version, later.models) == ("v2", 2)


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
