"""OpenSTEF's MLflow storage and bluegrid's, which takes its place: OpenSTEF's own callback calls either."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, Any, ClassVar

from openstef_core.datasets import TimeSeriesDataset
from openstef_models.integrations.joblib import JoblibModelSerializer
from openstef_models.integrations.mlflow import MLFlowStorage, MLFlowStorageCallback
from openstef_models.mixins.callbacks import WorkflowContext
from openstef_models.workflows.custom_forecasting_workflow import CustomForecastingWorkflow

from benchmarks.openstef.plan import NO_FILES, PLOTS
from bluegrid_openstef.callback import leave_out_artifacts
from bluegrid_openstef.converter import as_json
from bluegrid_openstef.pipeline.document import PipelineDocument
from bluegrid_openstef.pipeline.model import PipelineModel
from bluegrid_openstef.storage import BluegridStorage
from bluegrid_registry import ModelSet, fetch_bytes
from examples.openstef.training import STEP

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from openstef_models.models.forecasting_model import ForecastingModel

    from benchmarks.openstef.inside.pipelines import Fitted
    from bluegrid_registry import PushReport

SET, DATA_SET = "load", "load-as-data"


class _TimedSerializer(JoblibModelSerializer):  # type: ignore[misc]
    """OpenSTEF's own serializer, with a clock."""

    loading: ClassVar[float] = 0.0

    def deserialize(self, file: BinaryIO) -> object:
        """Load a model."""
        started = time.perf_counter()
        try:
            return super().deserialize(file)
        finally:
            _TimedSerializer.loading += time.perf_counter() - started


class MLflow:
    """OpenSTEF's storage, on a tracking server or in a folder.

    Args:
        uri: of MLflow.
        staging: the folder that artifacts are written to before they are uploaded; they stay there.
    """

    def __init__(self, uri: str, staging: Path) -> None:
        self._staging = staging
        self._storage = MLFlowStorage(
            tracking_uri=uri, local_artifacts_path=staging, model_serializer=_TimedSerializer()
        )

    def publish(self, models: Mapping[str, Fitted], files: str) -> float:
        """Make a run of each model, one after the other; return the seconds."""
        started = time.perf_counter()
        _end_fits(self._storage, models, files)
        seconds = time.perf_counter() - started
        shutil.rmtree(self._staging)
        return seconds

    def load(self, targets: Mapping[str, Fitted], unfitted: ForecastingModel) -> tuple[float, float, Any]:
        """Load all models; return the seconds, those of them that unpickled, and the models by target."""
        _TimedSerializer.loading = 0.0
        started = time.perf_counter()
        models = _start_predicting(self._storage, targets, unfitted)
        return time.perf_counter() - started, _TimedSerializer.loading, models


class Bluegrid:
    """bluegrid's storage.

    Args:
        address: of the store.
        registry: the folder of registry files; made if it is not there.
    """

    def __init__(self, address: str, registry: Path) -> None:
        _declare(registry, SET, "openstef/joblib")
        self._registry, self._address = registry, address

    def publish(self, models: Mapping[str, Fitted], files: str) -> float:
        """Collect each model, and publish them as one version; return the seconds."""
        started = time.perf_counter()
        storage = self._storage()
        _end_fits(storage, models, files)
        storage.publish()
        return time.perf_counter() - started

    def push(self, models: Mapping[str, Fitted], version: str) -> tuple[float, PushReport]:
        """Pickle and push the models without OpenSTEF's callback; return the seconds and the report."""
        started = time.perf_counter()
        pushed = ModelSet.open(SET, self._registry, self._address)
        base = pushed.versions[-1].id if pushed.versions else None
        report = pushed.push(version, {uid: each.model for uid, each in models.items()}, base=base)
        return time.perf_counter() - started, report

    def load(self, targets: Mapping[str, Fitted], unfitted: ForecastingModel) -> tuple[float, float, Any]:
        """Load all models; return the seconds, those that did not fetch, and the models by target."""
        started = time.perf_counter()
        storage = self._storage()
        storage.fetch([*targets])
        fetched = time.perf_counter()
        models = _start_predicting(storage, targets, unfitted)
        ended = time.perf_counter()
        return ended - started, ended - fetched, models

    def _storage(self) -> BluegridStorage:
        return BluegridStorage(set_id=SET, registry=self._registry, store=self._address)


class AsData:
    """A set of pipelines as data.

    Args:
        address: of the store.
        registry: the folder of registry files; made if it is not there.
    """

    def __init__(self, address: str, registry: Path) -> None:
        _declare(registry, DATA_SET, "openstef/json")
        self._registry, self._address = registry, address

    def push(self, trained: Sequence[ForecastingModel], uids: Sequence[str], version: str) -> None:
        """Push a version in which targets have the trained pipelines in turn."""
        files = [as_json(each) for each in trained]
        # Blanks before the end of JSON; without them, equal files would be kept and fetched once.
        unlike = {
            uid: files[number % len(files)].removesuffix(b"}") + b" " * number + b"}"
            for number, uid in enumerate(uids)
        }
        self._open().push(version, unlike)

    def load(self) -> tuple[float, dict[str, PipelineModel]]:
        """Load all models of the newest version; return the seconds, and the models by target."""
        started = time.perf_counter()
        opened = self._open()
        version = opened.versions[-1]
        found = fetch_bytes(opened.store, DATA_SET, version.id, version.manifest)
        models = {uid: PipelineModel(PipelineDocument.parse(content)) for uid, content in found.items()}
        return time.perf_counter() - started, models

    def _open(self) -> ModelSet:
        return ModelSet.open(DATA_SET, self._registry, self._address)


def _declare(registry: Path, set_id: str, file_type: str) -> None:
    """Write the registry file of a set, unless there is one."""
    if not registry.exists():
        registry.mkdir(parents=True)
        declared = f"id: {set_id}, name: Load, task: forecasting, type: {file_type}, source: platform"
        (registry / f"{set_id}.yaml").write_text(f"set: {{{declared}}}\nversions: []\n")


def _end_fits(storage: MLFlowStorage, models: Mapping[str, Fitted], files: str) -> None:
    """Do what a workflow does after each fit, without the comparison with the model before."""
    callback = MLFlowStorageCallback(
        storage=storage, model_selection_enable=False, store_feature_importance_plot=files == PLOTS
    )
    for uid, each in models.items():
        workflow = CustomForecastingWorkflow(model=each.model, model_id=uid, callbacks=[callback])
        if files == NO_FILES:
            workflow = leave_out_artifacts(workflow)
        (ended,) = workflow.callbacks
        ended.on_fit_end(WorkflowContext(workflow=workflow), each.result)


def _start_predicting(
    storage: MLFlowStorage, targets: Mapping[str, Fitted], unfitted: ForecastingModel
) -> dict[str, ForecastingModel]:
    """Do what a workflow does before each forecast; return the models by target."""
    callback, models = MLFlowStorageCallback(storage=storage), {}
    data = TimeSeriesDataset(next(iter(targets.values())).recent.copy(), STEP)
    for uid in targets:
        workflow = CustomForecastingWorkflow(model=unfitted, model_id=uid)
        callback.on_predict_start(WorkflowContext(workflow=workflow), data)
        models[uid] = workflow.model
    return models
