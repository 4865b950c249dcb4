#!/bin/sh
# OpenSTEF 4.7.0's default storage, a local folder, is refused by the MLflow that is installed with it; the database that MLflow's
# message recommends is refused too, since mlflow-skinny does not require SQLAlchemy.
#
# Valid input: `MLFlowStorage()`, and `MLFlowStorage(tracking_uri="sqlite:///mlflow.db")`, the first example of its documentation.
# openstef-models requires mlflow-skinny >= 3, < 4, now 3.17.2. Seen on 2026-11-30 with Python 3.13:
#     folder   MlflowException: The filesystem tracking backend (e.g., './mlruns') is in maintenance mode …
#     sqlite   UnsupportedModelRegistryStoreURIException: … got unsupported URI 'sqlite:///mlflow.db' … Supported URI schemes are: …
# The second message does not name SQLAlchemy. With sqlalchemy and alembic beside it a database answers; with
# MLFLOW_ALLOW_FILE_STORE=true, which the first message names, a folder does.
#
# Installs the pinned packages into a temporary folder, needs uv, a package index and Python 3.12 or later (PYTHON names it), and ends
# with 1 once the behaviour has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
uv venv --quiet --python "${PYTHON:-3.13}" venv
install() { uv pip install --quiet --python venv "$@"; }
install openstef-models==4.7.0 openstef-beam==4.7.0 openstef-core==4.7.0 mlflow-skinny==3.17.2 pandas==3.1.1 numpy==2.5.5
cat > open.py <<'PYTHON'
import sys

from mlflow.exceptions import MlflowException
from openstef_models.integrations.mlflow import MLFlowStorage

for name, settings in (("folder", {}), ("sqlite", {"tracking_uri": "sqlite:///mlflow.db"})):
    try:
        runs = MLFlowStorage(**settings).search_latest_runs("feeder")
        print(f"{name}: {len(runs)} runs")
    except MlflowException as error:
        print(error, file=sys.stderr)
        print(f"{name}: {type(error).__name__}, names SQLAlchemy: {'sqlalchemy' in str(error).lower()}")
PYTHON
found=$(venv/bin/python open.py)
install sqlalchemy==2.1.9 alembic==1.20.1
found="$found
with SQLAlchemy and MLFLOW_ALLOW_FILE_STORE:
$(MLFLOW_ALLOW_FILE_STORE=true venv/bin/python open.py 2> /dev/null)"
echo "$found"
expected="folder: MlflowException, names SQLAlchemy: False
sqlite: UnsupportedModelRegistryStoreURIException, names SQLAlchemy: False
with SQLAlchemy and MLFLOW_ALLOW_FILE_STORE:
folder: 0 runs
sqlite: 0 runs"
[ "$found" = "$expected" ] || { echo "the finding is out of date"; exit 1; }
