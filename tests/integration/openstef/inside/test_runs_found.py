"""What OpenSTEF's workflows find, load and compare, where versions of a set are in place of MLflow."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from openstef_core.exceptions import ModelNotFoundError
from openstef_models.models.forecasting.gblinear_forecaster import GBLinearHyperParams

from bluegrid_openstef.storage import BluegridStorage
from bluegrid_registry import FormatError, ModelSet
from tests.integration.openstef.inside.feeders import ALWAYS, FEEDERS, fit, versions
from tests.integration.openstef.inside.pipelines import Series, new_workflow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


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
