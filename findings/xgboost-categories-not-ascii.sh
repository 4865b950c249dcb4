#!/bin/sh
# XGBoost 3.2.0 cuts the names of categories that are not ASCII when it reads a pandas table: it counts characters where
# bytes are meant (`pd_cat_inf`). Whether a row is answered then depends on the other rows of its table.
#
# Valid input: a regressor of a pandas table with three Chinese categories. Seen on 2026-11-29 with Python 3.11: rows of
# the three are answered in one table; of tables with one of them each, two end in a UnicodeDecodeError.
#
# Installs the pinned packages into a temporary folder, needs Python 3.11 and a package index, and ends with 1 once the
# behaviour has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet xgboost-cpu==3.2.0 pandas==2.3.3 scikit-learn==1.7.2
"$folder/venv/bin/python" - <<'PYTHON'
import json
import sys

import pandas as pd
import xgboost

words = ["架空", "混合", "电缆"]
table = pd.DataFrame({"kind": pd.Categorical(words * 20)})
settings = {"n_estimators": 30, "learning_rate": 0.5, "n_jobs": 1, "enable_categorical": True}
model = xgboost.XGBRegressor(**settings).fit(table, [1.0, 2.0, 3.0] * 20)
model_document = json.loads(model.get_booster().save_raw("json"))["learner"]["gradient_booster"]["model"]
written = bytes(byte % 256 for byte in model_document["cats"]["enc"][0]["values"])


def answer(kinds):
    try:
        return [round(float(each), 3) for each in model.predict(pd.DataFrame({"kind": pd.Categorical(kinds)}))]
    except (xgboost.core.XGBoostError, UnicodeDecodeError) as error:
        return type(error).__name__


together, alone = answer(words), [answer([word]) for word in words]
print("together:", together, "each alone:", alone)
print("names in the file:", written, "of", "".join(words).encode())
if written == "".join(words).encode() or alone == [[each] for each in together]:
    sys.exit("the names are whole: the finding is out of date")
PYTHON
