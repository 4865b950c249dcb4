#!/bin/sh
# A model that OpenSTEF 4.7.0's ModelPerformanceCallback rejects is already stored: it answers the next forecast, and the next training
# is skipped.
#
# Valid input: the preset `constant_quantile` with `model_performance_callback_enabled=True` and a skewed load, so that R2 of the
# validation data is below the default threshold of 0. The preset puts the MLflow callback first, and it stores the model and finishes
# the run in the same event. Seen on 2026-11-30 with Python 3.13 and mlflow-skinny 3.17.2, with one new workflow for each step:
#     fit       raises ModelUnderperformingError
#     predict   answers, by the rejected model
#     fit       is skipped: the stored model is less than `model_reuse_max_age` (7 days) old
# The other order of callbacks, given to CustomForecastingWorkflow by hand, stores nothing.
#
# Installs the pinned packages into a temporary folder, needs uv, a package index and Python 3.12 or later (PYTHON names it), and ends
# with 1 once the behaviour has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
uv venv --quiet --python "${PYTHON:-3.13}" venv
uv pip install --quiet --python venv "openstef-models[xgb-cpu]==4.7.0" openstef-beam==4.7.0 openstef-core==4.7.0 \
    mlflow-skinny==3.17.2 xgboost-cpu==3.4.1 scikit-learn==1.9.1 pandas==3.1.1 numpy==2.5.5
# Without the variable MLflow 3.17 refuses a folder.
found=$(MLFLOW_ALLOW_FILE_STORE=true venv/bin/python - <<'PYTHON'
from datetime import timedelta

import numpy as np
import pandas as pd
from openstef_core.datasets import TimeSeriesDataset
from openstef_core.exceptions import ModelNotFoundError, ModelUnderperformingError
from openstef_models.integrations.mlflow import MLFlowStorage
from openstef_models.presets import ForecastingWorkflowConfig, create_forecasting_workflow

times = pd.date_range("2026-01-01", periods=20 * 96, freq="15min", tz="UTC")
load = np.random.default_rng(0).exponential(size=len(times))
data = TimeSeriesDataset(pd.DataFrame({"load": load}, index=times), timedelta(minutes=15))


def workflow(order):
    config = ForecastingWorkflowConfig(
        model_id=order, model="constant_quantile", mlflow_storage=MLFlowStorage(), model_performance_callback_enabled=True
    )
    created = create_forecasting_workflow(config)
    return created if order == "preset" else created.model_copy(update={"callbacks": created.callbacks[::-1]})


def answer(step):
    try:
        return "skipped" if (result := step(data)) is None else type(result).__name__
    except (ModelUnderperformingError, ModelNotFoundError) as error:
        return type(error).__name__


for order in ("preset", "reversed"):
    print(f"{order}:", *(answer(getattr(workflow(order), step)) for step in ("fit", "predict", "fit")))
PYTHON
)
echo "$found"
expected="preset: ModelUnderperformingError ForecastDataset skipped
reversed: ModelUnderperformingError ModelNotFoundError ModelUnderperformingError"
[ "$found" = "$expected" ] || { echo "the finding is out of date"; exit 1; }
