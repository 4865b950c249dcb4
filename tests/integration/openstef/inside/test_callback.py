"""OpenSTEF's callback without the files that nothing keeps: everything else stays as OpenSTEF does it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from openstef_core.datasets import TimeSeriesDataset
from openstef_models.integrations.mlflow import MLFlowStorage, MLFlowStorageCallback
from openstef_models.mixins.callbacks import WorkflowContext

from bluegrid_openstef.callback import leave_out_artifacts
from bluegrid_openstef.collecting_storage import CollectingStorage
from bluegrid_openstef.runs import ENDED
from tests.integration.openstef.inside.pipelines import Series, new_workflow

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_openstef.runs import TrainedModel

FEEDER = "mv_feeder/OS Edam"


class OfUser(MLFlowStorageCallback):  # type: ignore[misc]
    """A callback that somebody has derived from OpenSTEF's."""


@pytest.fixture
def storage() -> CollectingStorage:
    return CollectingStorage(set_id="load")


def stored(workflow: Any, result: Any, *, without_artifacts: bool) -> TrainedModel:
    """Store the model of a fit once more; return what came of it."""
    storage = CollectingStorage(set_id="load")
    again = workflow.model_copy(update={"callbacks": [MLFlowStorageCallback(storage=storage)]})
    if without_artifacts:
        again = leave_out_artifacts(again)
    (callback,) = again.callbacks
    callback.on_fit_end(WorkflowContext(workflow=again), result)
    (model,) = storage.take()
    return model


def refuse(*_: object, **__: object) -> None:
    raise AssertionError


@pytest.mark.parametrize("kind", ["gblinear", "flatliner"])
def test_what_is_stored_is_the_same(
    kind: str, series: Series, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = new_workflow(FEEDER, None, kind, tags={"owner": "grid"}).with_run_name("nightly")
    result = workflow.fit(series.data)
    full = stored(workflow, result, without_artifacts=False)
    monkeypatch.setattr(TimeSeriesDataset, "to_parquet", refuse)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    slim = stored(workflow, result, without_artifacts=True)
    assert (slim.uid, slim.content, slim.params, slim.names) == (
        full.uid,
        full.content,
        full.params,
        full.names,
    )
    assert bool(slim.params) == (kind == "gblinear")
    assert full.lineage.data is not None
    assert replace(slim.lineage, run=None, tags=None) == replace(full.lineage, run=None, tags=None)
    tags = [{**(each.lineage.tags or {}), ENDED: ""} for each in (slim, full)]
    assert tags[0] == tags[1]
    assert tags[0]["owner"] == "grid"
    assert tags[0]["mlflow.runName"] == "nightly"


def test_openstefs_rules_stay(series: Series, storage: CollectingStorage) -> None:
    first = leave_out_artifacts(new_workflow(FEEDER, storage))
    assert first.fit(series.data) is not None
    (run,) = storage.search_latest_runs(FEEDER)
    # It is recent.
    assert leave_out_artifacts(new_workflow(FEEDER, storage)).fit(series.data) is None
    # It is not recent, and the new one is not better.
    worse = new_workflow(FEEDER, storage, model_reuse_enable=False, model_selection_old_model_penalty=1e9)
    assert leave_out_artifacts(worse).fit(series.data) is None
    assert [each.info.run_id for each in storage.search_latest_runs(FEEDER, limit=2)] == [run.info.run_id]


def test_a_folder_that_is_named_is_filled(series: Series, tmp_path: Path) -> None:
    storage = CollectingStorage(set_id="load", local_artifacts_path=tmp_path)
    leave_out_artifacts(new_workflow(FEEDER, storage)).fit(series.data)
    assert [*tmp_path.rglob("data.parquet")]


def test_callbacks_of_others_stay(storage: CollectingStorage, tmp_path: Path) -> None:
    in_mlflow = MLFlowStorage(tracking_uri="http://127.0.0.1:1", local_artifacts_path=tmp_path)
    workflow = new_workflow(FEEDER, in_mlflow)
    workflow.callbacks.append(OfUser(storage=storage))
    callbacks = [*workflow.callbacks]
    assert leave_out_artifacts(workflow).callbacks == callbacks
    assert [type(each) for each in workflow.callbacks] == [type(each) for each in callbacks]


def test_settings_of_the_callback_stay(storage: CollectingStorage) -> None:
    workflow = new_workflow(FEEDER, storage, model_selection_metric=(0.5, "rMAE", "lower_is_better"))
    before = workflow.callbacks[0]
    after = leave_out_artifacts(workflow).callbacks[0]
    assert type(after) is not type(before)
    assert dict(after) == dict(before)
    assert after.storage is storage
