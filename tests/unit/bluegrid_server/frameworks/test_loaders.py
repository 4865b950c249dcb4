"""Loading a model in a pod: the result, and refusals."""

from __future__ import annotations

import functools
import io
import json
import pickle
import sys
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pytest
import sklearn
import skops.io
from sklearn.cluster import DBSCAN
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from bluegrid_registry import ConfigError, ModelError, ModelType, Source
from bluegrid_server.frameworks import supported
from bluegrid_server.frameworks.scikit_learn import other_releases
from bluegrid_server.frameworks.supported import loader_of
from bluegrid_server.protocol.tensor_spec import TensorSpec
from tests.support.marker import mark
from tests.support.model_requests import infer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

X = np.random.default_rng(7).normal(size=(50, 3))
Y = X @ np.array([1.0, -2.0, 0.5])
TREE = "sklearn.tree._tree.Tree"


def joblib_bytes(model: Any) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    return buffer.getvalue()


WRITERS: dict[str, Callable[[Any], bytes]] = {
    "scikit-learn/skops": skops.io.dumps,
    "scikit-learn/joblib": joblib_bytes,
    "scikit-learn/pickle": pickle.dumps,
}


@pytest.mark.parametrize("written", WRITERS)
def test_a_model_predicts_as_it_was_trained(written: str, tmp_path: Path) -> None:
    trained = make_pipeline(StandardScaler(), Ridge()).fit(X, Y)
    path = tmp_path / "model"
    path.write_bytes(WRITERS[written](trained))
    model = loader_of(ModelType.parse(written))(path)
    assert model.inputs == (TensorSpec("x", (-1, 3)),)
    assert model.predict({"x": X})["y"] == pytest.approx(trained.predict(X), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    ("estimator", "labels", "spec"),
    [
        (Ridge(), np.c_[Y, -Y], TensorSpec("y", (-1, 2))),
        (LogisticRegression(), np.where(Y > 0, "high", "low"), TensorSpec("y", (-1,), "BYTES")),
        (LogisticRegression(), (Y > 0).astype(np.int64), TensorSpec("y", (-1,), "INT64")),
        (LogisticRegression(), Y > 0, TensorSpec("y", (-1,), "BOOL")),
    ],
    ids=["several", "words", "integers", "booleans"],
)
def test_an_estimator_answers_with_what_it_was_trained_on(
    estimator: Any, labels: np.ndarray[Any, Any], spec: TensorSpec, tmp_path: Path
) -> None:
    path = tmp_path / "model"
    path.write_bytes(skops.io.dumps(estimator.fit(X, labels)))
    model = loader_of(ModelType.parse("scikit-learn/skops"))(path)
    assert model.outputs[0] == spec
    tensor = {"name": "x", "shape": [2, 3], "datatype": "FP64", "data": X[:2].tolist()}
    (output,) = infer(model, {"inputs": [tensor]})["outputs"]
    assert output["datatype"] == spec.datatype
    assert list(output["data"]) == estimator.predict(X[:2]).reshape(-1).tolist()


@pytest.mark.parametrize("written", WRITERS)
@pytest.mark.not_served(
    "scikit-learn",
    "functions and classes of your own",
    "loading them runs their code; add their names to the set's `trust`, in an image that has them",
)
def test_a_function_that_is_not_trusted_is_named_and_not_called(written: str, tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(WRITERS[written](make_pipeline(FunctionTransformer(mark), Ridge())))
    with pytest.raises(ModelError, match=r"tests\.support\.marker\.mark"):
        loader_of(ModelType.parse(written))(path)


def test_what_the_set_trusts_is_loaded(tmp_path: Path) -> None:
    trained = RandomForestRegressor(n_estimators=2, random_state=0).fit(X, Y)
    path = tmp_path / "model"
    path.write_bytes(skops.io.dumps(trained))
    skops_type = ModelType.parse("scikit-learn/skops")
    with pytest.raises(ModelError, match=f"^holds types that are not trusted: {TREE}; .* the set's `trust`"):
        loader_of(skops_type, source=Source.USER)(path)
    model = loader_of(skops_type, [TREE], source=Source.USER)(path)
    assert model.predict({"x": X})["y"].tolist() == trained.predict(X).tolist()


@pytest.mark.parametrize("written", WRITERS)
def test_the_log_says_once_that_models_are_of_another_release(
    written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = make_pipeline(StandardScaler(), Ridge()).fit(X, Y)
    with monkeypatch.context() as patched:
        patched.setattr(sklearn.base, "__version__", "1.2.2")
        data = WRITERS[written](model)
    other_releases._log.cache_clear()
    for name in ("line-1", "line-2"):
        (tmp_path / name).write_bytes(data)
        loader_of(ModelType.parse(written))(tmp_path / name)
    (message,) = capsys.readouterr().out.splitlines()
    assert "models of another release of scikit-learn" in message
    assert "written=1.2.2" in message


@pytest.mark.parametrize("written", WRITERS)
def test_what_cannot_predict_is_no_model(written: str, tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(WRITERS[written](DBSCAN().fit(X)))
    with pytest.raises(ModelError, match="is a fitted DBSCAN without predict, transform"):
        loader_of(ModelType.parse(written))(path)


def test_a_pickle_whose_class_refuses_its_state_is_told(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"\x80\x04cnumpy\ndtype\n(V?no\ntR.")
    with pytest.raises(ModelError, match=r"is no pickle that this image reads .TypeError: .*save it with"):
        loader_of(ModelType.parse("scikit-learn/pickle"))(path)


def test_a_type_without_a_loader_is_told_on_one_line() -> None:
    with pytest.raises(
        ConfigError,
        match=r"^BLUEGRID_TYPE: nothing loads safetensors/safetensors; loaders: catboost/cbm, keras/h5, ",
    ):
        loader_of(ModelType.parse("safetensors/safetensors"))


def test_a_framework_that_is_not_installed_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "bluegrid_server.frameworks.onnx.load", raising=False)
    with pytest.raises(
        ConfigError, match=r"^type onnx/onnx: cannot .*: .*onnxruntime.*; .*'bluegrid-server\[onnx\]'$"
    ):
        loader_of(ModelType.parse("onnx/onnx"))


def test_a_package_adds_a_loader(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    point = EntryPoint("safetensors/safetensors", "json:loads", supported.ENTRY_POINTS)

    def points(group: str, name: str = "safetensors/safetensors") -> list[EntryPoint]:
        return [point] if (group, name) == (supported.ENTRY_POINTS, "safetensors/safetensors") else []

    monkeypatch.setattr(supported, "entry_points", points)
    loader = loader_of(ModelType.parse("safetensors/safetensors"), ["a"])
    assert isinstance(loader, functools.partial)
    assert (loader.func, loader.keywords) == (json.loads, {"trust": frozenset({"a"})})
