#!/bin/sh
# OpenSTEF 4.7.0's linear model answers the 10 % quantile as the median if the median is listed first.
#
# Valid input: `GBLinearForecaster(quantiles=[0.5, 0.1, 0.9])`, the order of several examples in OpenSTEF's documentation. XGBoost gets
# the quantiles sorted, and its answers, its early stopping's metric and its contributions get the names in the order of the list.
# Seen with Python 3.13 and XGBoost 3.4.1, as the share of loads below what is called the 10 %, 50 % and 90 % quantile:
#     listed as 0.1, 0.5, 0.9   0.10 0.48 0.89
#     listed as 0.5, 0.1, 0.9   0.45 0.09 0.82
# The preset `gblinear` sorts the forecasts of each time afterwards, so that they look right: 0.12 0.52 0.88. Its contributions of
# features then explain the 10 % quantile in place of the median. `XGBoostForecaster` keeps the order.
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
found=$(venv/bin/python - 2> /dev/null <<'PYTHON'
from datetime import timedelta

import numpy as np
import pandas as pd
from openstef_core.datasets import ForecastInputDataset, TimeSeriesDataset
from openstef_core.types import LeadTime, Q
from openstef_models.models.forecasting.gblinear_forecaster import GBLinearForecaster
from openstef_models.models.forecasting.xgboost_forecaster import XGBoostForecaster
from openstef_models.presets import ForecastingWorkflowConfig, create_forecasting_workflow

times = pd.date_range("2026-01-01", periods=60 * 96, freq="15min", tz="UTC")
random = np.random.default_rng(0)
temperature = 10 + random.normal(size=len(times))
load = 20 - temperature + random.normal(size=len(times))
table = pd.DataFrame({"load": load, "temperature": temperature}, index=times)


def shares_below(forecast):
    names = [Q(each).format() for each in (0.1, 0.5, 0.9)]
    return " ".join(f"{(table['load'] < forecast[name]).mean():.2f}" for name in names)


for forecaster in (GBLinearForecaster, XGBoostForecaster):
    for order in ([0.1, 0.5, 0.9], [0.5, 0.1, 0.9]):
        model = forecaster(quantiles=[Q(each) for each in order], horizons=[LeadTime(timedelta(hours=48))], verbosity=0)
        data = ForecastInputDataset(table, timedelta(minutes=15))
        model.fit(data)
        print(f"{forecaster.__name__} {order}: P10, P50, P90 {shares_below(model.predict(data).data)}")

for order in ([0.1, 0.5, 0.9], [0.5, 0.1, 0.9]):
    config = ForecastingWorkflowConfig(
        model_id="feeder", model="gblinear", mlflow_storage=None, quantiles=[Q(each) for each in order]
    )
    workflow = create_forecasting_workflow(config)
    data = TimeSeriesDataset(table, timedelta(minutes=15))
    workflow.fit(data)
    forecast = workflow.predict(data).data
    explained = workflow.model.predict_contributions(data).data.sum(axis=1)
    nearest = min((0.1, 0.5, 0.9), key=lambda each: (forecast[Q(each).format()] - explained).abs().mean())
    print(f"preset {order}: {shares_below(forecast)}; the contributions explain {nearest}")
PYTHON
)
echo "$found"
expected="GBLinearForecaster [0.1, 0.5, 0.9]: P10, P50, P90 0.10 0.48 0.89
GBLinearForecaster [0.5, 0.1, 0.9]: P10, P50, P90 0.45 0.09 0.82
XGBoostForecaster [0.1, 0.5, 0.9]: P10, P50, P90 0.20 0.50 0.79
XGBoostForecaster [0.5, 0.1, 0.9]: P10, P50, P90 0.20 0.50 0.79
preset [0.1, 0.5, 0.9]: 0.12 0.54 0.91; the contributions explain 0.5
preset [0.5, 0.1, 0.9]: 0.12 0.52 0.88; the contributions explain 0.1"
[ "$found" = "$expected" ] || { echo "the finding is out of date"; exit 1; }
