#!/bin/sh
# LightGBM 4.7.0 takes the quantile objective for linear trees, whose answers then depend on the unit of the target: a load in kW is
# answered as a constant, the same load in MW is fitted. The preset `lgbmlinear` of OpenSTEF 4.7.0 inherits it.
#
# Valid input: `LGBMRegressor(linear_tree=True, objective="quantile", alpha=0.5)` and a target of 10 ± 4 MW, in MW and in kW. Linear
# leaves are fitted to the gradient, which is below 1 in any unit, and are not renewed to the residuals' quantile as constant leaves
# are. The same loss by its other name, `regression_l1`, is refused for linear trees. OpenSTEF's preset scales the features, not the load.
# Seen with Python 3.13, as R2 of the training data:
#     LightGBM, constant leaves   MW 0.98, kW 0.98
#     LightGBM, linear leaves     MW 0.97, kW 0.0
#     OpenSTEF, lgbmlinear        MW 0.90, kW 0.0
#
# Installs the pinned packages into a temporary folder, needs uv, a package index and Python 3.12 or later (PYTHON names it), and ends
# with 1 once the behaviour has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
uv venv --quiet --python "${PYTHON:-3.13}" venv
# The presets import xgboost, whatever the model.
uv pip install --quiet --python venv "openstef-models[lgbm,xgb-cpu]==4.7.0" openstef-beam==4.7.0 openstef-core==4.7.0 \
    lightgbm==4.7.0 mlflow-skinny==3.17.2 xgboost-cpu==3.4.1 scikit-learn==1.9.1 pandas==3.1.1 numpy==2.5.5
found=$(venv/bin/python - 2> /dev/null <<'PYTHON'
from datetime import timedelta

import numpy as np
import pandas as pd
from lightgbm import LGBMRegressor
from lightgbm.basic import LightGBMError
from openstef_core.datasets import TimeSeriesDataset
from openstef_models.presets import ForecastingWorkflowConfig, create_forecasting_workflow

times = pd.date_range("2026-01-01", periods=60 * 96, freq="15min", tz="UTC")
random = np.random.default_rng(0)
temperature = 10 + 5 * np.sin(np.arange(len(times)) * 2 * np.pi / 96) + random.normal(size=len(times))
load = 20 - temperature + random.normal(scale=0.5, size=len(times))
table = pd.DataFrame({"load": load, "temperature": temperature}, index=times)


def r2(**settings):
    rows, scores = table[["temperature"]].to_numpy(), []
    for factor in (1, 1000):
        model = LGBMRegressor(n_jobs=1, verbosity=-1, **settings).fit(rows, load * factor)
        scores.append(round(model.score(rows, load * factor), 2))
    return scores


print("quantile, constant leaves:", *r2(objective="quantile", alpha=0.5))
print("quantile, linear leaves:", *r2(objective="quantile", alpha=0.5, linear_tree=True))
try:
    print("regression_l1, linear leaves:", *r2(objective="regression_l1", linear_tree=True))
except LightGBMError as error:
    print("regression_l1, linear leaves:", error)
for preset in ("lgbm", "lgbmlinear"):
    scores = []
    for factor in (1, 1000):
        config = ForecastingWorkflowConfig(model_id="feeder", model=preset, mlflow_storage=None)
        data = TimeSeriesDataset(table.assign(load=load * factor), timedelta(minutes=15))
        scores.append(round(create_forecasting_workflow(config).fit(data).metrics_full.get_metric(0.5, "R2"), 2))
    print(f"OpenSTEF, {preset}:", *scores)
PYTHON
)
echo "$found"
expected="quantile, constant leaves: 0.98 0.98
quantile, linear leaves: 0.97 0.0
regression_l1, linear leaves: Cannot use regression_l1 objective when fitting linear trees.
OpenSTEF, lgbm: 0.98 0.98
OpenSTEF, lgbmlinear: 0.9 0.0"
[ "$found" = "$expected" ] || { echo "the finding is out of date"; exit 1; }
