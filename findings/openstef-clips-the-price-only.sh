#!/bin/sh
# OpenSTEF 4.7.0's presets clip the price alone where their default says all features: the union of a selection and "all" is the
# selection.
#
# Valid input: the preset `xgboost` with its default `clip_features=FeatureSelection.ALL`, documented as the features "to clip to their
# learned range". The preset combines it with `Include(energy_price_column)`, and `combine`, documented as a union, takes "no list of
# names" for an empty list. `Exclude` has the same fate; a selection by names works. Seen with Python 3.13, trained with values of about
# 10 of each column, and asked for values of 60, of which it clips:
#     default, ALL, NONE, Exclude("load")   the price
#     Include("temperature")                the price and the temperature
#     include_regex={".*"}                  all four columns
# `FeatureSelection(include_regex={".*"})` selects all features and stays so when it is combined.
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
found=$(venv/bin/python - <<'PYTHON'
from datetime import timedelta

import numpy as np
import pandas as pd
from openstef_core.datasets import TimeSeriesDataset
from openstef_models.presets import ForecastingWorkflowConfig, create_forecasting_workflow
from openstef_models.transforms.general import OutlierHandler
from openstef_models.utils.feature_selection import Exclude, FeatureSelection, Include

columns = ["load", "day_ahead_electricity_price", "temperature", "windspeed"]


def dataset(values):
    times = pd.date_range("2026-01-01", periods=len(values), freq="15min", tz="UTC")
    return TimeSeriesDataset(pd.DataFrame(values, index=times, columns=columns), timedelta(minutes=15))


usual = dataset(np.random.default_rng(0).normal(10, 1, size=(96, 4)))
high = dataset(np.full((1, 4), 60.0))
for name, settings in {
    "default": {},
    "ALL": {"clip_features": FeatureSelection.ALL},
    "NONE": {"clip_features": FeatureSelection.NONE},
    "Exclude(load)": {"clip_features": Exclude("load")},
    "Include(temperature)": {"clip_features": Include("temperature")},
    "all by an expression": {"clip_features": FeatureSelection(include_regex={".*"})},
}.items():
    config = ForecastingWorkflowConfig(model_id="feeder", model="xgboost", mlflow_storage=None, **settings)
    preprocessing = create_forecasting_workflow(config).model.preprocessing
    (clipping,) = (each for each in preprocessing.transforms if isinstance(each, OutlierHandler))
    clipping.fit(usual)
    clipped = clipping.transform(high).data.iloc[0] < 60
    print(f"{name}:", *clipped[clipped].index)
PYTHON
)
echo "$found"
expected="default: day_ahead_electricity_price
ALL: day_ahead_electricity_price
NONE: day_ahead_electricity_price
Exclude(load): day_ahead_electricity_price
Include(temperature): day_ahead_electricity_price temperature
all by an expression: load day_ahead_electricity_price temperature windspeed"
[ "$found" = "$expected" ] || { echo "the finding is out of date"; exit 1; }
