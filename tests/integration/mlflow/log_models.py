"""Logs models to an MLflow server, in MLflow's own environment: a line of JSON for each, and one back."""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow import MlflowClient
from sklearn.linear_model import LinearRegression

warnings.simplefilter("ignore")
logging.getLogger("mlflow").setLevel(logging.ERROR)
# Without it, MLflow loads each model in another process to find out what it needs.
NEEDS = {"pip_requirements": ["scikit-learn==1.7.2", "numpy==2.3.5"]}


class Doubled(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """A model of no framework."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        """Return twice the input."""
        return model_input * 2


def fitted(seed: int) -> tuple[Any, Any, Any]:
    """Return rows, their results, and a model of them."""
    x = np.random.default_rng(seed).normal(size=(40, 2))
    y = x @ np.array([2.0, -1.0]) + seed
    return x, y, LinearRegression().fit(x, y)


def log(flavour: str, name: str, seed: int) -> None:
    """Log a model of this flavour to the active run."""
    x, y, model = fitted(seed)
    if flavour in ("skops", "pickle", "cloudpickle"):
        mlflow.sklearn.log_model(model, name=name, serialization_format=flavour, **NEEDS)
    elif flavour == "folder":
        # As MLflow 2 logged it: a folder among the artifacts of the run.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model")
            mlflow.sklearn.save_model(model, path, serialization_format="pickle", **NEEDS)
            mlflow.log_artifacts(str(path), name)
    elif flavour == "xgboost":
        import xgboost

        booster = xgboost.XGBRegressor(n_estimators=3, max_depth=2).fit(x, y)
        mlflow.xgboost.log_model(booster, name=name, model_format="ubj", **NEEDS)
    elif flavour in ("lightgbm", "lightgbm-wrapper"):
        import lightgbm

        wrapper = lightgbm.LGBMRegressor(n_estimators=3, num_leaves=3, verbose=-1).fit(x, y)
        logged = wrapper.booster_ if flavour == "lightgbm" else wrapper
        mlflow.lightgbm.log_model(logged, name=name, **NEEDS)
    elif flavour == "onnx":
        from onnx import TensorProto, helper

        tensors = [helper.make_tensor_value_info(each, TensorProto.FLOAT, [None, 2]) for each in ("x", "y")]
        graph = helper.make_graph(
            [helper.make_node("Identity", ["x"], ["y"])], "same", tensors[:1], tensors[1:]
        )
        opset = [helper.make_opsetid("", 17)]
        mlflow.onnx.log_model(
            helper.make_model(graph, opset_imports=opset, ir_version=8),
            name=name,
            save_as_external_data=False,
            **NEEDS,
        )
    elif flavour == "pyfunc":
        mlflow.pyfunc.log_model(python_model=Doubled(), name=name, **NEEDS)


def run(wanted: dict[str, Any]) -> str:
    """Make a run as wanted; return its ID."""
    mlflow.set_experiment(wanted["experiment"])
    with mlflow.start_run(tags=wanted.get("tags")) as active:
        mlflow.log_metrics(wanted.get("metrics", {}))
        for name, flavour in wanted.get("models", {}).items():
            log(flavour, name, wanted.get("seed", 0))
    run_id: str = active.info.run_id
    if status := wanted.get("status"):
        MlflowClient().set_terminated(run_id, status)
    return run_id


def register(wanted: dict[str, Any]) -> str:
    """Register the model of a run, and give it an alias; return its version."""
    version = mlflow.register_model(f"runs:/{wanted['run']}/{wanted['path']}", wanted["register"])
    MlflowClient().set_registered_model_alias(wanted["register"], wanted["alias"], version.version)
    return str(version.version)


def main() -> None:
    """Answer requests until there are no more; what libraries print goes to standard error."""
    answers, sys.stdout = sys.stdout, sys.stderr
    mlflow.set_tracking_uri(sys.argv[1])
    for line in sys.stdin:
        wanted = json.loads(line)
        done = register(wanted) if "register" in wanted else run(wanted)
        answers.write(json.dumps(done) + "\n")
        answers.flush()


main()
