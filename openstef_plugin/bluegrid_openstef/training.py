"""Trains the models that are due, in several processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from openstef_core.exceptions import SkipFitting
from openstef_models.integrations.mlflow import MLFlowStorageCallback
from openstef_models.mixins.callbacks import WorkflowContext

from bluegrid_openstef.callback import leave_out_artifacts
from bluegrid_openstef.processes import in_processes, line_of
from bluegrid_registry import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from openstef_core.datasets import TimeSeriesDataset
    from openstef_models.workflows import CustomForecastingWorkflow

    from bluegrid_openstef.collecting_storage import CollectingStorage
    from bluegrid_openstef.runs import TrainedModel


class TrainingSource(Protocol):
    """What is trained, and on what: written by the user. Each process makes one."""

    def model_ids(self) -> Iterable[str]:
        """Return the IDs of all models, such as the names of feeders."""

    def workflow(self, model_id: str, storage: CollectingStorage) -> CustomForecastingWorkflow:
        """Return the workflow of a model, not fitted, with the storage in its configuration."""

    def training_data(self, model_id: str) -> TimeSeriesDataset:
        """Return the series that the model is trained on."""


@dataclass(frozen=True)
class TrainingOutcome:
    """What came of a training.

    Attributes:
        model_id: of the model.
        trained: the new model; None: the model of before stays.
        fault: why the training failed; None: it did not.
    """

    model_id: str
    trained: TrainedModel | None = None
    fault: str | None = None


def is_due(source: TrainingSource, model_id: str, storage: CollectingStorage) -> bool:
    """Return whether a model is to be trained, by OpenSTEF's own rule: its `model_reuse_max_age`.

    Raises:
        ConfigError: the workflow does not have the storage, and its models would be lost.
    """
    try:
        workflow = source.workflow(model_id, storage)
    # The training meets the same fault, which concerns this model alone, and tells of it.
    except Exception:  # noqa: BLE001
        return True
    # Other callbacks may read the data, which is not loaded for models that are recent.
    storing = [
        each
        for each in workflow.callbacks
        if isinstance(each, MLFlowStorageCallback) and each.storage is storage
    ]
    if not storing:
        raise ConfigError(f"model {model_id}: its workflow lacks the storage; pass mlflow_storage=storage")
    try:
        for callback in storing:
            callback.on_fit_start(WorkflowContext(workflow=workflow), data=None)
    except SkipFitting:
        return False
    return True


def train(
    make_source: Callable[[], TrainingSource],
    model_ids: Sequence[str],
    storage: CollectingStorage,
    processes: int,
) -> Iterator[TrainingOutcome]:
    """Yield the outcome for each model, in order.

    Args:
        make_source: is called in each process.
        model_ids: what to train.
        storage: has the models of before, which processes share with this one.
        processes: how many train at a time.

    Raises:
        ConfigError: a process was ended, such as for its memory.
    """
    yield from in_processes(_train_one, model_ids, processes, _begin, make_source, storage)


_worker: tuple[TrainingSource, CollectingStorage] | None = None
"""Of a process that trains."""


def _begin(make_source: Callable[[], TrainingSource], storage: CollectingStorage) -> None:
    global _worker
    _worker = make_source(), storage


def _train_one(model_id: str) -> TrainingOutcome:
    assert _worker is not None  # noqa: S101 - `_begin` has set it
    source, storage = _worker
    try:
        workflow = leave_out_artifacts(source.workflow(model_id, storage))
        workflow.fit(source.training_data(model_id))
    # Data and pipelines may raise any exception, which concerns this model alone.
    except Exception as error:  # noqa: BLE001
        storage.discard()
        return TrainingOutcome(model_id, fault=line_of(error))
    (trained,) = storage.take() or (None,)
    return TrainingOutcome(model_id, trained)
