"""Models on GPUs, as far as testable without a GPU: the calls to frameworks, and the log without a GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import xgboost
from skl2onnx import to_onnx
from sklearn.linear_model import Ridge
from structlog.testing import capture_logs

from bluegrid_registry import ModelType
from bluegrid_server.frameworks import gpu
from bluegrid_server.frameworks.supported import loader_of, outlives_fork

if TYPE_CHECKING:
    from pathlib import Path

# XGBoost's own message, beside ours.
pytestmark = pytest.mark.filterwarnings("ignore:.*Device is changed from GPU to CPU:UserWarning")

X = np.random.default_rng(7).normal(size=(60, 4)).astype(np.float32)
Y = X @ np.array([1.0, -2.0, 0.5, 0.0])
CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


@pytest.fixture(autouse=True)
def _a_process_that_has_said_nothing() -> None:
    gpu.not_used.cache_clear()


@pytest.fixture
def onnx_file(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(to_onnx(Ridge().fit(X, Y), X[:1]).SerializeToString())
    return path


@pytest.fixture
def xgboost_file(tmp_path: Path) -> Path:
    path = tmp_path / "model.ubj"
    xgboost.train({"nthread": 1}, xgboost.DMatrix(X, Y), num_boost_round=5).save_model(path)
    return path


@pytest.mark.parametrize(
    ("model_type", "file", "row"),
    [("onnx/onnx", "onnx_file", "X"), ("xgboost/ubj", "xgboost_file", "x")],
)
def test_a_model_without_the_gpu_that_it_should_have_answers_and_says_so_once(
    model_type: str, file: str, row: str, request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(file)
    parsed = ModelType.parse(model_type)
    with capture_logs() as logs:
        models = [loader_of(parsed, gpu=True)(path) for _ in range(2)]
    (line,) = logs
    assert (line["event"], line["framework"]) == ("no GPU is used", parsed.framework)
    (expected,) = loader_of(parsed)(path).predict({row: X}).values()
    for model in models:
        (got,) = model.predict({row: X}).values()
        assert got.tolist() == expected.tolist()


def test_a_booster_with_names_answers_by_the_way_of_gpus(tmp_path: Path) -> None:
    table = pd.DataFrame(X, columns=["wind", "温度", "hour", "kind"]).assign(
        kind=pd.Categorical(np.array(["a", "b"])[np.arange(60) % 2])
    )
    model = xgboost.XGBRegressor(n_estimators=5, n_jobs=1, enable_categorical=True).fit(table, Y)
    model.save_model(path := tmp_path / "model.ubj")
    with capture_logs():
        loaded = loader_of(ModelType.parse("xgboost/ubj"), gpu=True)(path)
    inputs = {name: table[[name]].to_numpy(dtype=object if name == "kind" else float) for name in table}
    assert loaded.predict(inputs)["y"] == pytest.approx(model.predict(table), rel=1e-6)


def test_a_framework_that_has_no_use_for_a_gpu_says_so() -> None:
    with capture_logs() as logs:
        loader_of(ModelType.parse("scikit-learn/skops"), gpu=True)
    assert [line["reason"] for line in logs] == ["its models compute on the CPU"]


@pytest.mark.parametrize(("on_gpu", "wanted"), [(True, [CUDA, CPU]), (False, [CPU])])
def test_onnx_runtime_is_asked_for_cuda_where_it_has_it(
    on_gpu: bool, wanted: list[str], onnx_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for: list[list[str]] = []

    class Session(onnxruntime.InferenceSession):  # type: ignore[misc]
        def __init__(self, data: bytes, options: Any, providers: list[str]) -> None:
            asked_for.append(providers)
            super().__init__(data, options, providers=[CPU])

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    loader_of(ModelType.parse("onnx/onnx"), gpu=on_gpu)(onnx_file)
    assert asked_for == [wanted]


@pytest.mark.parametrize("on_gpu", [True, False])
def test_xgboost_is_asked_for_cuda_where_the_pod_has_it(
    on_gpu: bool, xgboost_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for: list[str] = []

    class Booster(xgboost.Booster):
        def __init__(self, params: dict[str, Any]) -> None:
            asked_for.append(params["device"])
            super().__init__(params)

    monkeypatch.setattr(xgboost, "Booster", Booster)
    loader_of(ModelType.parse("xgboost/ubj"), gpu=on_gpu)(xgboost_file)
    assert asked_for == ["cuda" if on_gpu else "cpu"]


@pytest.mark.parametrize(
    ("model_type", "on_cpu", "on_gpu"),
    [
        ("scikit-learn/skops", True, True),
        ("lightgbm/txt", True, True),
        ("catboost/cbm", True, True),
        ("onnx/onnx", True, False),
        ("xgboost/ubj", True, False),
        ("keras/keras", False, False),
    ],
)
def test_what_is_on_a_gpu_does_not_outlive_a_fork(model_type: str, on_cpu: bool, on_gpu: bool) -> None:
    parsed = ModelType.parse(model_type)
    assert (outlives_fork(parsed), outlives_fork(parsed, gpu=True)) == (on_cpu, on_gpu)
