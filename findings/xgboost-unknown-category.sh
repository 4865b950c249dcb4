#!/bin/sh
# XGBoost 3.2.0 answers a category that was not in the training data as the category that follows it in the alphabet,
# without an error or a warning. Its documentation promises an error, which comes only after the last category.
#
# Valid input: a regressor of a pandas table with the categories cable, mixed and overhead. Seen on 2026-11-29 with
# Python 3.11: `nope` is answered as overhead and `aaa` as cable; `zzz` raises "Found a category not in the training set".
#
# Installs the pinned packages into a temporary folder, needs Python 3.11 and a package index, and ends with 1 once the
# behaviour has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet xgboost-cpu==3.2.0 pandas==2.3.3 scikit-learn==1.7.2
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import pandas as pd
import xgboost

words = ["cable", "mixed", "overhead"]
table = pd.DataFrame({"kind": pd.Categorical(words * 20)})
settings = {"n_estimators": 30, "learning_rate": 0.5, "n_jobs": 1, "enable_categorical": True}
model = xgboost.XGBRegressor(**settings).fit(table, [1.0, 2.0, 3.0] * 20)


def answer(word):
    try:
        return round(float(model.predict(pd.DataFrame({"kind": pd.Categorical([word])}))[0]), 3)
    except xgboost.core.XGBoostError as error:
        return str(error).splitlines()[0].partition(": ")[2]


answers = {word: answer(word) for word in [*words, "aaa", "nope", "zzz"]}
print(answers)
if (answers["aaa"], answers["nope"]) != (answers["cable"], answers["overhead"]):
    sys.exit("an unknown category is answered otherwise: the finding is out of date")
PYTHON
