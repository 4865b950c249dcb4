#!/bin/sh
# OpenSTEF 4.7.0's storage leaves every file that it has uploaded to MLflow in a folder of the working folder: 5 MB for each training.
#
# Valid input: one fit of the preset `gblinear` with `MLFlowStorage(tracking_uri="sqlite:///mlflow.db")`. Data, plot and model are written
# to `local_artifacts_path`, by default ./mlflow_artifacts_local, "before upload"; nothing deletes them afterwards, and each run has a
# folder of its own. Nearly all of it is plotly's JavaScript in the page of the plot. Seen with Python 3.13, after the upload:
#     files in MLflow   data.parquet feature_importances.html model.joblib
#     files left        the same, 5 MB
# 1,000 targets that are trained each night leave 5 GB a night.
#
# Installs the pinned packages into a temporary folder, needs uv, a package index and Python 3.12 or later (PYTHON names it), and ends
# with 1 once the behaviour has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
uv venv --quiet --python "${PYTHON:-3.13}" venv
uv pip install --quiet --python venv "openstef-models[xgb-cpu]==4.7.0" openstef-beam==4.7.0 openstef-core==4.7.0 \
    mlflow==3.17.2 xgboost-cpu==3.4.1 scikit-learn==1.9.1 pandas==3.1.1 numpy==2.5.5 plotly==7.1.0
found=$(venv/bin/python - 2> /dev/null <<'PYTHON'
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from openstef_core.datasets import TimeSeriesDataset
from openstef_models.integrations.mlflow import MLFlowStorage
from openstef_models.presets import ForecastingWorkflowConfig, create_forecasting_workflow

times = pd.date_range("2026-01-01", periods=30 * 96, freq="15min", tz="UTC")
load = np.random.default_rng(0).normal(10, 1, size=len(times))
data = TimeSeriesDataset(pd.DataFrame({"load": load}, index=times), timedelta(minutes=15))
storage = MLFlowStorage(tracking_uri="sqlite:///mlflow.db", artifact_location=Path("stored").resolve().as_uri())
config = ForecastingWorkflowConfig(model_id="feeder", model="gblinear", mlflow_storage=storage)
create_forecasting_workflow(config).fit(data)
for folder in ("stored", "mlflow_artifacts_local"):
    files = [each for each in Path(folder).rglob("*") if each.is_file()]
    size = sum(each.stat().st_size for each in files)
    print(f"{folder}:", *sorted(each.name for each in files), f"{size / 1e6:.0f} MB")
PYTHON
)
echo "$found"
expected="stored: data.parquet feature_importances.html model.joblib 5 MB
mlflow_artifacts_local: data.parquet feature_importances.html model.joblib 5 MB"
[ "$found" = "$expected" ] || { echo "the finding is out of date"; exit 1; }
