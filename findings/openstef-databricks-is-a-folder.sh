#!/bin/sh
# OpenSTEF 4.7.0 takes `tracking_uri="databricks"`, which the documentation of its storage names, as a folder of this name.
#
# Valid input: `MLFlowStorage(tracking_uri="databricks")`, "Databricks MLflow Tracking Server" among the class's typical configurations.
# The setting `uri_exceptions`, by default ["databricks"], is for texts that are addresses without a scheme; the function that tells
# folders from addresses takes such a list, and the storage does not pass it. Seen with Python 3.13 and MLflow 3.17.2, `…` is the
# working folder:
#     the storage's address           file:///…/databricks
#     by default                      MlflowException: The filesystem tracking backend (e.g., './mlruns') is in maintenance mode …
#     with MLFLOW_ALLOW_FILE_STORE    a run is stored in ./databricks, without a word
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
import os
from pathlib import Path

from mlflow.exceptions import MlflowException
from openstef_models.integrations.mlflow import MLFlowStorage

print("exceptions:", *MLFlowStorage.model_fields["uri_exceptions"].default)
try:
    MLFlowStorage(tracking_uri="databricks").create_run("feeder")
except MlflowException as error:
    print("by default:", str(error).partition(" and ")[0])
os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
storage = MLFlowStorage(tracking_uri="databricks")
storage.create_run("feeder")
print("address:", storage.tracking_uri.replace(Path.cwd().as_uri(), "file:///…"))
print("files in ./databricks:", bool([*Path("databricks").rglob("meta.yaml")]))
PYTHON
)
echo "$found"
expected="exceptions: databricks
by default: The filesystem tracking backend (e.g., './mlruns') is in maintenance mode
address: file:///…/databricks
files in ./databricks: True"
[ "$found" = "$expected" ] || { echo "the finding is out of date"; exit 1; }
