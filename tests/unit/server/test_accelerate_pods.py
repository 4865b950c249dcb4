"""A version whose set says `accelerate: onnx`, from its files to what clients and operators see."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest
import skops.io
from sklearn.ensemble import RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import Ridge

from bluegrid_registry import ConfigError, ModelType, models_in_folder, open_store, push
from bluegrid_server.frameworks.compiler import LINEAR, ONNX, AcceleratedModel
from bluegrid_server.models.file_pool import FilePool
from bluegrid_server.models.version import fetch_version
from bluegrid_server.protocol.messages import Kind, Request
from bluegrid_server.settings import Settings
from tests.unit.server.dispatchers import running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SKOPS = ModelType.parse("scikit-learn/skops")
KERNELS = ("ConstantKernel", "Product", "RBF")
TRUST = ("sklearn.tree._tree.Tree", *(f"sklearn.gaussian_process.kernels.{kernel}" for kernel in KERNELS))
RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(80, 3))
Y = X @ [1.0, -2.0, 0.5]
MODELS: dict[str, Any] = {
    "forest-1": RandomForestRegressor(10, random_state=0),
    "forest-2": RandomForestRegressor(10, random_state=1),
    "linear": Ridge(),
    "process-1": GaussianProcessRegressor(),
    "process-2": GaussianProcessRegressor(),
}
for each in MODELS.values():
    each.fit(X, Y)
PROCESS = "cannot be compiled: GaussianProcessRegressor is faster by itself"
HOW = {"forest-1": ONNX, "forest-2": ONNX, "linear": LINEAR, "process-1": PROCESS, "process-2": PROCESS}
REQUEST = {"inputs": [{"name": "x", "shape": [80, 3], "datatype": "FP64", "data": X.ravel().tolist()}]}


@pytest.fixture
def pushed(tmp_path: Path) -> Callable[..., Settings]:
    def settings(examples: dict[str, Any] | None = None, **changed: Any) -> Settings:
        folder, store = tmp_path / "trained", tmp_path / "store"
        for path in (folder, store):
            path.mkdir()
        for uid, model in MODELS.items():
            skops.io.dump(model, folder / f"{uid}.skops")
        if examples:
            (folder / "examples.json").write_bytes(orjson.dumps(examples))
        models = models_in_folder(folder, SKOPS)
        report = push(open_store(store.as_uri()), "g1", "v1", models, model_type=SKOPS, trust=TRUST)
        told: dict[str, Any] = {
            "store": store.as_uri(),
            "set": "g1",
            "version": "v1",
            "manifest": report.manifest,
        }
        told |= {"type": SKOPS, "service": "line-loading", "cluster": "d1", "models": tmp_path / "models"}
        return Settings.model_validate({**told, "trust": TRUST, "accelerate": "onnx", **changed})

    return settings


@pytest.mark.parametrize("budget", [None, 1])
def test_the_log_counts_what_is_compiled_and_gives_the_commonest_reason(
    pushed: Callable[..., Settings],
    budget: int | None,
) -> None:
    settings, lines = pushed(), list[str]()
    pool = FilePool(fetch_version(settings, lambda _: None), settings, budget)
    pool.load_all(lines.append)
    told = f"2 of 5 models run by ONNX Runtime, 3 by themselves: {PROCESS} (2 of them)"
    assert lines[-1] == f"set g1 version v1: {told}"
    assert {uid: pool[uid].acceleration for uid in pool} == HOW


def test_a_model_is_compiled_on_its_first_request_where_the_cluster_is_lazy(
    pushed: Callable[..., Settings],
) -> None:
    settings = pushed(load="lazy")
    pool = FilePool(fetch_version(settings, lambda _: None), settings, budget=1)
    for uid in ("forest-1", "forest-2", "forest-1"):
        model = pool[uid].model
        assert isinstance(model, AcceleratedModel)
        assert model.predict({"x": X})["y"].tolist() == MODELS[uid].predict(X).tolist()
        assert pool.loaded == 1


def test_a_set_that_does_not_ask_for_it_has_none(pushed: Callable[..., Settings]) -> None:
    settings, lines = pushed(accelerate=None), list[str]()
    pool = FilePool(fetch_version(settings, lambda _: None), settings)
    pool.load_all(lines.append)
    assert not any("ONNX" in line for line in lines)
    assert not any(isinstance(pool[uid].model, AcceleratedModel) for uid in pool)
    assert {pool[uid].acceleration for uid in pool} == {None}


def test_an_image_that_cannot_compile_says_which_can_before_anything_is_fetched(
    pushed: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = pushed()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(
        ConfigError, match=r"^BLUEGRID_ACCELERATE: this image compiles no scikit-learn models.*"
    ):
        fetch_version(settings, lambda _: None)
    assert not settings.models.exists()


@pytest.mark.process
def test_forked_workers_answer_with_compiled_models_and_describe_them(
    pushed: Callable[..., Settings],
) -> None:
    example = {"inputs": X[:2].tolist(), "outputs": MODELS["forest-1"].predict(X[:2]).tolist()}
    settings = pushed({"forest-1": {**example, "rtol": 0.0, "atol": 0.0}}, workers=2)

    async def asked() -> None:
        async with running(settings) as dispatcher:
            assert dispatcher.reason is None
            calls = [Request(Kind.INFER, uid, orjson.dumps(REQUEST)) for uid in MODELS for _ in range(4)]
            replies = await asyncio.gather(*map(dispatcher.ask, calls))
            for call, reply in zip(calls, replies, strict=True):
                (output,) = orjson.loads(reply.first.body)["outputs"]
                assert output["data"] == pytest.approx(MODELS[call.uid].predict(X).tolist(), rel=1e-12)
            told = {}
            for uid in MODELS:
                described = orjson.loads((await dispatcher.ask(Request(Kind.DESCRIBE, uid))).first.body)
                assert described["inputs"] == [{"name": "x", "datatype": "FP64", "shape": [-1, 3]}]
                assert described["outputs"] == [{"name": "y", "datatype": "FP64", "shape": [-1]}]
                told[uid] = described["parameters"]["accelerate"]
            assert told == HOW

    asyncio.run(asked())
