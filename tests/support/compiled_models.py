"""A set of models, some of which can be compiled, trained once; and the settings of its pod."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest
import skops.io
from sklearn.ensemble import RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import Ridge

from bluegrid_registry import ModelType, models_in_folder, open_store, push
from bluegrid_server.frameworks.compiler import LINEAR, TREES
from bluegrid_server.settings import Settings

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
HOW = {"forest-1": TREES, "forest-2": TREES, "linear": LINEAR, "process-1": PROCESS, "process-2": PROCESS}


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
        message: dict[str, Any] = {
            "store": store.as_uri(),
            "set": "g1",
            "version": "v1",
            "manifest": report.manifest,
        }
        message |= {"type": SKOPS, "service": "line-loading", "cluster": "d1", "models": tmp_path / "models"}
        return Settings.model_validate({**message, "trust": TRUST, "accelerate": "onnx", **changed})

    return settings
