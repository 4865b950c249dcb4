#!/bin/sh
# OpenSTEF 4.7.0 rejects a new model that is as good as the stored one if their R2 is negative: the penalty of the old model then
# works in its favour.
#
# Valid input: the preset `constant_quantile`, trained three times with the same skewed load. The callback of the MLflow storage takes a
# new model if its R2 is at least the old one's divided by `model_selection_old_model_penalty`, 1.2 by default, which is documented to
# favour newer models. Below zero a division raises the bar. Seen on 2026-11-30 with Python 3.13 and mlflow-skinny 3.17.2:
#     R2 -0.178 of the old and the new model: with a penalty of 1.0 the new one is taken, with the default of 1.2 it is rejected
# A model worse than the mean of the data therefore stays until the R2 of a new one is closer to zero by a sixth.
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
from openstef_models.integrations.mlflow import MLFlowStorage
from openstef_models.presets import ForecastingWorkflowConfig, create_forecasting_workflow

times = pd.date_range("2026-01-01", periods=20 * 96, freq="15min", tz="UTC")
load = np.random.default_rng(0).exponential(size=len(times))
data = TimeSeriesDataset(pd.DataFrame({"load": load}, index=times), timedelta(minutes=15))


def train(**settings):
    """Train and store a model; None if the stored one is kept."""
    config = ForecastingWorkflowConfig(
        model_id="feeder", model="constant_quantile", mlflow_storage=MLFlowStorage(), model_reuse_enable=False, **settings
    )
    return create_forecasting_workflow(config).fit(data)


print("first: R2", round(train().metrics_full.get_metric(0.5, "R2"), 3))
print("the same with a penalty of 1.0:", "rejected" if train(model_selection_old_model_penalty=1.0) is None else "taken")
print("the same with the default penalty:", "rejected" if train() is None else "taken")
PYTHON
)
echo "$found"
expected="first: R2 -0.178
the same with a penalty of 1.0: taken
the same with the default penalty: rejected"
[ "$found" = "$expected" ] || { echo "the finding is out of date"; exit 1; }
