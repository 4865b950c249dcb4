"""Import from MLflow: the newest run of each experiment becomes a model of a version.

server.py        requests to a tracking server
sources.py       what each model would come from: a run, or a version of a registered model
lineage.py       what a run says of its model
flavours.py      which file of an MLflow model is the model, for each type of set
downloads.py     fetches that file
plan.py          which models have changed since the version that an import adds to
"""

from bluegrid.mlflow.downloads import download
from bluegrid.mlflow.plan import ImportPlan, plan_import
from bluegrid.mlflow.server import MlflowServer
from bluegrid.mlflow.sources import ModelOrigin, aliased, newest_runs

__all__ = [
    "ImportPlan",
    "MlflowServer",
    "ModelOrigin",
    "aliased",
    "download",
    "newest_runs",
    "plan_import",
]
