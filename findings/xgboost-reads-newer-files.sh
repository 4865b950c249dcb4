#!/bin/sh
# XGBoost 2.1.4 reads a model that XGBoost 3.2.0 has written without an error or a warning, and predicts other values.
#
# Valid input: a regressor of ten trees, saved by `Booster.save_model` in UBJSON, the format that XGBoost recommends for
# exchange. Seen on 2026-11-28 with Python 3.11: 306.955, 280.059 and 272.113 become 7.63, -19.266 and -27.212. All trees
# are there, the base score of 299.325 is lost.
# The file has the version of its writer, which the older reader ignores.
#
# Installs the pinned packages into a temporary folder, needs Python 3.11 and a package index, and ends with 1 once the
# behaviour has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for version in 3.2.0 2.1.4; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/pip" install --quiet "xgboost-cpu==$version" numpy==2.2.6
done
cat > "$folder/predict.py" <<'PYTHON'
import sys

import numpy as np
import xgboost

folder, is_writer = sys.argv[1], xgboost.__version__.startswith("3.")
rows = np.random.default_rng(0).normal(size=(200, 4))
if is_writer:
    label = 300.0 + rows[:, 0] * 40.0
    booster = xgboost.train({"max_depth": 3, "nthread": 1}, xgboost.DMatrix(rows, label), num_boost_round=10)
    booster.save_model(f"{folder}/model.ubj")
booster = xgboost.Booster(model_file=f"{folder}/model.ubj")
print(booster.predict(xgboost.DMatrix(rows[:3])).round(3).tolist())
PYTHON
written=$("$folder/3.2.0/bin/python" "$folder/predict.py" "$folder")
read=$("$folder/2.1.4/bin/python" "$folder/predict.py" "$folder")
echo "3.2.0, which wrote it: $written"
echo "2.1.4, without an error: $read"
[ "$written" != "$read" ] || { echo "they agree: the finding is out of date"; exit 1; }
