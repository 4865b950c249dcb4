"""Models that computed before their process was forked answer after it, each request in one thread."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import catboost
import httpx
import joblib
import lightgbm
import numpy as np
import pandas as pd
import psutil
import pytest
import sklearn
import xgboost
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bluegrid_registry import ModelType
from bluegrid_registry.model_types import pickle_scan
from tests.process.bluegrid_server.server_process import running, wait_until_ready
from tests.support.pods import BASE, published

if TYPE_CHECKING:
    from pathlib import Path


JOBLIB = ModelType.parse("scikit-learn/joblib")
RANDOM = np.random.default_rng(7)
X = RANDOM.normal(size=(240, 3))
Y = X @ [1.0, -2.0, 0.5]
MODELS: dict[str, Any] = {
    "neighbours": KNeighborsRegressor(algorithm="brute", n_jobs=2),
    "boosted": HistGradientBoostingRegressor(max_iter=5),
    "forest": RandomForestRegressor(5, n_jobs=-1, random_state=0),
    "lightgbm": make_pipeline(StandardScaler(), lightgbm.LGBMRegressor(n_estimators=5, n_jobs=4, verbose=-1)),
    "xgboost": make_pipeline(StandardScaler(), xgboost.XGBRegressor(n_estimators=5, n_jobs=4)),
    "table": RandomForestRegressor(5, random_state=0),
}


_COUNT = """
import os, sys
from pathlib import Path
import numpy as np
from bluegrid_registry import ModelType
from bluegrid_server.frameworks.supported import loader_of
path, *trust = sys.argv[1:]
model = loader_of(ModelType.parse("scikit-learn/joblib"), trust)(Path(path))
before = len(os.listdir("/proc/self/task"))
model.predict({"x": np.random.default_rng(0).normal(size=(5000, 3))})
print(len(os.listdir("/proc/self/task")) - before)
"""


@pytest.mark.parametrize("uid", ["forest", "lightgbm", "xgboost"])
@pytest.mark.parametrize("jobs", [4, None])
def test_a_model_starts_no_threads_where_only_openmp_is_kept_to_one(
    uid: str, jobs: int | None, tmp_path: Path
) -> None:
    model = sklearn.clone(MODELS[uid])
    model.set_params(**dict.fromkeys((name for name in model.get_params() if "n_jobs" in name), jobs))
    joblib.dump(model.fit(X, Y), path := tmp_path / "model")
    command = [sys.executable, "-c", _COUNT, str(path), *pickle_scan.globals_of(path.read_bytes())]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    started = subprocess.run(command, capture_output=True, check=True, text=True, env=environment).stdout
    assert int(started) == 0


def request(rows: Any) -> dict[str, Any]:
    tensor = {"name": "x", "shape": list(rows.shape), "datatype": "FP64", "data": rows.ravel().tolist()}
    return {"inputs": [tensor]}


@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
@pytest.mark.parametrize("threads", ["3", None])
def test_a_pod_computes_in_one_thread_before_and_after_it_forks_whatever_its_environment_says(
    threads: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder := tmp_path / "trained").mkdir()
    names: set[str] = set()
    expected = {}
    for uid, model in MODELS.items():
        model.fit(pd.DataFrame(X, columns=["wind", "load", "hour"]) if uid == "table" else X, Y)
        joblib.dump(model, folder / f"{uid}.joblib")
        names |= pickle_scan.globals_of((folder / f"{uid}.joblib").read_bytes())
        expected[uid] = model.predict(X[:9]).tolist()
    # The process that loads the models answers the examples before it forks.
    examples = {uid: {"inputs": X[:9].tolist(), "outputs": answers} for uid, answers in expected.items()}
    (folder / "examples.json").write_text(json.dumps(examples))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
        if threads:
            monkeypatch.setenv(name, threads)
    monkeypatch.setenv("SKLEARN_ASSUME_FINITE", "1")
    with (
        running(published(tmp_path, folder, JOBLIB, sorted(names))) as (process, port),
        httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}", timeout=60) as client,
    ):
        wait_until_ready(client)
        for uid, answers in expected.items():
            got = client.post(f"/models/{uid}/infer", json=request(X[:9])).json()
            assert got["outputs"][0]["data"] == pytest.approx(answers), uid
        refused = client.post("/models/forest/infer", json=request(np.full((1, 3), 1e39)))
        assert "infinity or a value too large" in refused.json()["error"]
        columns = client.get("/models/table").json()["inputs"][0]["parameters"]["columns"]
        assert columns == ["wind", "load", "hour"]
        started = psutil.Process(process.pid).children(recursive=True)
        assert [each.num_threads() for each in started] == [1] * len(started)
        process.kill()
        assert process.stderr is not None
        assert "feature names" not in process.stderr.read()


ROWS = np.column_stack([X[:, :2], np.arange(len(X)) % 4])


def _catboost(folder: Path) -> Any:
    table = pd.DataFrame(ROWS).astype({2: int})
    model = catboost.CatBoostRegressor(iterations=5, verbose=0, allow_writing_files=False)
    model.fit(table, Y, cat_features=[2]).save_model(folder / "line.cbm")
    return model.predict(table[:9])


def _lightgbm(folder: Path) -> Any:
    booster = lightgbm.train({"verbose": -1, "num_threads": 4}, lightgbm.Dataset(ROWS, Y), 5)
    booster.save_model(folder / "line.txt")
    return booster.predict(ROWS[:9])


def _xgboost(folder: Path) -> Any:
    model = xgboost.XGBRegressor(n_estimators=5, n_jobs=4).fit(ROWS, Y)
    model.save_model(folder / "line.ubj")
    return model.predict(ROWS[:9])


@pytest.mark.served("XGBoost", "recorded examples, answered before the workers are forked")
@pytest.mark.served("LightGBM", "recorded examples, answered before the workers are forked")
@pytest.mark.served("CatBoost", "recorded examples, answered before the workers are forked; no files written")
@pytest.mark.parametrize(
    ("model_type", "train"),
    [("xgboost/ubj", _xgboost), ("lightgbm/txt", _lightgbm), ("catboost/cbm", _catboost)],
)
def test_a_booster_that_computed_before_a_fork_answers_after_it(
    model_type: str, train: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder := tmp_path / "trained").mkdir()
    expected = np.asarray(train(folder)).tolist()
    example = {"inputs": ROWS[:9].tolist(), "outputs": expected}
    (folder / "examples.json").write_text(json.dumps({"line": example}))
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    (working := tmp_path / "working").mkdir()
    monkeypatch.chdir(working)
    with (
        running(published(tmp_path, folder, ModelType.parse(model_type))) as (_, port),
        httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}", timeout=60) as client,
    ):
        wait_until_ready(client)
        for times in (1, 100):
            got = client.post("/models/line/infer", json=request(np.repeat(ROWS[:9], times, axis=0))).json()
            assert got["outputs"][0]["data"] == pytest.approx(np.repeat(expected, times).tolist())
    assert [*working.iterdir()] == []
