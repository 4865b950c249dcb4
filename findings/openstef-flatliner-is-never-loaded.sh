#!/bin/sh
# A stored flatliner of OpenSTEF 4.7.0 is never loaded: it calls itself fitted before it is, and its postprocessing then refuses to
# predict.
#
# Valid input: the preset `flatliner`, trained and stored by one workflow, and asked for a forecast by a second workflow with the same
# storage, as in a second process. The MLflow callback loads a stored model only if `is_fitted` of the present one is false; that of the
# model asks the forecaster alone, and a forecast of zeros needs no fit. The preset's ConfidenceIntervalApplicator does.
# Seen on 2026-11-30 with Python 3.13 and mlflow-skinny 3.17.2:
#     NotFittedError: The ConfidenceIntervalApplicator has not been fitted yet. Please call 'fit' before using it.
# With `predict_nonzero_flatliner=True`, which predicts the median, the stored model is loaded and answers.
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
from openstef_core.exceptions import NotFittedError
from openstef_models.integrations.mlflow import MLFlowStorage
from openstef_models.presets import ForecastingWorkflowConfig, create_forecasting_workflow

times = pd.date_range("2026-01-01", periods=20 * 96, freq="15min", tz="UTC")
load = np.random.default_rng(0).exponential(size=len(times))
data = TimeSeriesDataset(pd.DataFrame({"load": load}, index=times), timedelta(minutes=15))
for name, of_median in (("zeros", False), ("median", True)):
    config = ForecastingWorkflowConfig(
        model_id=name, model="flatliner", predict_nonzero_flatliner=of_median, mlflow_storage=MLFlowStorage()
    )
    create_forecasting_workflow(config).fit(data)
    second = create_forecasting_workflow(config)
    before = second.model.is_fitted
    try:
        answer = f"answers {len(second.predict(data).data)} rows"
    except NotFittedError as error:
        answer = str(error).partition(" has not")[0] + " is not fitted"
    print(f"{name}: is_fitted at first {before}; {answer}")
PYTHON
)
echo "$found"
expected="zeros: is_fitted at first True; The ConfidenceIntervalApplicator is not fitted
median: is_fitted at first False; answers 193 rows"
[ "$found" = "$expected" ] || { echo "the finding is out of date"; exit 1; }
