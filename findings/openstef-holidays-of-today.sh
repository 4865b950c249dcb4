#!/bin/sh
# A model of OpenSTEF 4.7.0 can stop answering at New Year: its holiday features are named by the year in which it runs, not by its data.
#
# Valid input: the preset `xgboost` for Great Britain, trained on 31 December 2027 and asked on 1 January 2028, with the same data.
# HolidayFeatureAdder makes one feature for each name of a holiday of the present year and the five before. Names that come once, or
# only when a holiday falls on a weekend, enter and leave with the years. Seen with Python 3.13 and holidays 0.109:
#     31 December 2027   the model answers
#     1 January 2028     ValueError: The feature names should match those that were passed during fit.
# The features of the Platinum Jubilee and of the Queen's funeral, both of 2022, are gone. What `is_holiday` says of that Jubilee's day
# changes too, from 1 to 0: a training in 2028 sees a working day there.
#
# Installs the pinned packages into a temporary folder, needs uv, a package index and Python 3.12 or later (PYTHON names it), and ends
# with 1 once the behaviour has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
uv venv --quiet --python "${PYTHON:-3.13}" venv
uv pip install --quiet --python venv "openstef-models[xgb-cpu]==4.7.0" openstef-beam==4.7.0 openstef-core==4.7.0 holidays==0.109 \
    mlflow-skinny==3.17.2 xgboost-cpu==3.4.1 scikit-learn==1.9.1 pandas==3.1.1 numpy==2.5.5
found=$(venv/bin/python - 2> /dev/null <<'PYTHON'
from datetime import UTC, datetime, timedelta
from unittest import mock

import numpy as np
import pandas as pd
from openstef_core.datasets import TimeSeriesDataset
from openstef_models.presets import ForecastingWorkflowConfig, create_forecasting_workflow
from openstef_models.presets.forecasting_workflow import LocationConfig
from openstef_models.transforms.time_domain import HolidayFeatureAdder, holiday_features_adder


def today(year, month, day):
    """Set the date for the module of the holidays, as in a new process."""
    holiday_features_adder.get_holiday_names.cache_clear()
    clock = mock.Mock(wraps=datetime, now=lambda tz: datetime(year, month, day, tzinfo=tz))
    return mock.patch.object(holiday_features_adder, "datetime", clock)


times = pd.date_range("2027-12-01", periods=30 * 96, freq="15min", tz="UTC")
load = np.random.default_rng(0).exponential(size=len(times))
data = TimeSeriesDataset(pd.DataFrame({"load": load}, index=times), timedelta(minutes=15))
config = ForecastingWorkflowConfig(
    model_id="feeder", model="xgboost", mlflow_storage=None, location=LocationConfig(country_code="GB")
)
workflow = create_forecasting_workflow(config)
past = pd.DataFrame({"load": 0.0}, index=pd.date_range("2022-06-03", periods=1, freq="D", tz="UTC"))
adder = HolidayFeatureAdder(country_code="GB")
names = {}
for day in ((2027, 12, 31), (2028, 1, 1)):
    with today(*day):
        if not workflow.model.is_fitted:
            workflow.fit(data)
        try:
            answer = f"answers {len(workflow.predict(data).data)} rows"
        except ValueError as error:
            answer = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        names[day] = set(adder.features_added())
        is_holiday = adder.transform(TimeSeriesDataset(past.copy(), timedelta(days=1))).data["is_holiday"].iloc[0]
    print(*day, "the model", answer)
    print(*day, "is_holiday of the Platinum Jubilee:", is_holiday)
print("gone:", *sorted(names[2027, 12, 31] - names[2028, 1, 1]))
print("new:", *sorted(names[2028, 1, 1] - names[2027, 12, 31]))
PYTHON
)
echo "$found"
expected="2027 12 31 the model answers 2880 rows
2027 12 31 is_holiday of the Platinum Jubilee: 1
2028 1 1 the model ValueError: The feature names should match those that were passed during fit.
2028 1 1 is_holiday of the Platinum Jubilee: 0
gone: is_platinum_jubilee_of_elizabeth_ii is_state_funeral_of_queen_elizabeth_ii
new:"
[ "$found" = "$expected" ] || { echo "the finding is out of date"; exit 1; }
