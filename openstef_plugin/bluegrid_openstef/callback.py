"""OpenSTEF's callback for storages, without files that nothing keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openstef_models.integrations.mlflow import MLFlowStorageCallback

from bluegrid_openstef.collecting_storage import CollectingStorage

if TYPE_CHECKING:
    from openstef_models.mixins.callbacks import WorkflowContext
    from openstef_models.models.forecasting_model import ModelFitResult
    from openstef_models.workflows import CustomForecastingWorkflow


def leave_out_artifacts(workflow: CustomForecastingWorkflow) -> CustomForecastingWorkflow:
    """Return the workflow; after a fit, it no longer writes training data and plots for storages of bluegrid.

    OpenSTEF's callback writes them as files for each run, and a storage deletes them unless it has a
    `local_artifacts_path`. Everything else stays: rules, models, hyperparameters, metrics and tags.

    Args:
        workflow: not fitted; its callbacks of storages without `local_artifacts_path` are replaced.
    """
    workflow.callbacks = [
        _WithoutArtifacts(**dict(each)) if _writes_for_nobody(each) else each for each in workflow.callbacks
    ]
    return workflow


def _writes_for_nobody(callback: Any) -> bool:
    if type(callback) is not MLFlowStorageCallback:
        return False
    storage = callback.storage
    return isinstance(storage, CollectingStorage) and storage.local_artifacts_path is None


class _WithoutArtifacts(MLFlowStorageCallback):  # type: ignore[misc]
    def on_fit_end(self, context: WorkflowContext[CustomForecastingWorkflow], result: ModelFitResult) -> None:
        """Store the model of a fit, as OpenSTEF's callback does."""
        workflow, storage = context.workflow, self.storage
        if self.model_selection_enable:
            # Ends this fit, and has the workflow take the model of before, unless the new one is better.
            self._run_model_selection(workflow=workflow, result=result)
        run = storage.create_run(
            model_id=workflow.model_id,
            tags=workflow.model.tags,
            hyperparams=workflow.model.hyperparams,
            run_name=workflow.run_name,
            experiment_tags=workflow.experiment_tags,
        )
        run_id = run.info.run_id
        for name, params in workflow.model.component_hyperparams.items():
            found = {f"{name}.{key}": str(value) for key, value in params.model_dump().items()}
            storage.log_hyperparams(run_id=run_id, params=found)
        storage.note_data(run_id, result.input_dataset.index)
        storage.save_run_model(model_id=workflow.model_id, run_id=run_id, model=workflow.model)
        metrics = result.metrics_to_flat_dict()
        storage.finalize_run(model_id=workflow.model_id, run_id=run_id, metrics=metrics)
