"""The models, as files for each server; the requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import orjson
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor

from benchmarks.server.plan import INPUTS
from bluegrid.tour.line_loading.skops_bytes import skops_bytes
from bluegrid_registry import ModelType, Source, models_in_folder, open_store, push

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SET, VERSION = "bench", "v1"
MODEL_TYPE = ModelType.parse("scikit-learn/skops")


@dataclass(frozen=True)
class Kind:
    """A kind of model.

    Attributes:
        name: the name of its files.
        new: makes a model that is not fitted.
        rows: the rows that each model is fitted to.
        trust: the names in its file that are not on the allowlist.
    """

    name: str
    new: Callable[[], Any]
    rows: int
    trust: tuple[str, ...] = ()


RIDGE = Kind("ridge", Ridge, 2 * INPUTS)
FOREST = Kind(
    "forest",
    lambda: RandomForestRegressor(20, max_depth=6, random_state=0),
    20 * INPUTS,
    ("sklearn.tree._tree.Tree",),
)
NEIGHBOURS = Kind(
    "neighbours",
    KNeighborsRegressor,
    20 * INPUTS,
    (
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.metrics._dist_metrics.newObj",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neighbors._kd_tree.newObj",
    ),
)
"""Computed by scikit-learn alone, in a worker."""


@dataclass(frozen=True)
class Models:
    """Different models of one kind and shape, named `line-0` and so on.

    Attributes:
        store: holds them as a version.
        manifest: its digest.
        files: folder of `<uid>.joblib`, for the peers.
        uids: in order.
        row: the input of every request.
        answers: each model's output for this row.
        trust: the set's trusted names.
    """

    store: str
    manifest: str
    files: Path
    uids: tuple[str, ...]
    row: list[float]
    answers: dict[str, float]
    trust: tuple[str, ...]

    def tensor(self) -> dict[str, object]:
        """Return the input of an Open Inference Protocol request."""
        return {"name": "x", "shape": [1, INPUTS], "datatype": "FP64", "data": self.row}

    def body(self) -> bytes:
        """Return the body of a request for one model, whose path names the model."""
        return orjson.dumps({"inputs": [self.tensor()]})

    def batch_body(self) -> bytes:
        """Return the body of one request for all models."""
        return orjson.dumps(
            {"requests": [{"model_name": uid, "inputs": [self.tensor()]} for uid in self.uids]}
        )


def make(folder: Path, count: int, kind: Kind) -> Models:
    """Fit `count` models, the same every time; write them for the peers and push them for our server."""
    skops, files = folder / "skops", folder / "joblib"
    for each in (skops, files):
        each.mkdir(parents=True)
    random = np.random.default_rng(count)
    x = random.normal(size=(kind.rows, INPUTS))
    row = random.normal(size=INPUTS).round(6)
    answers = {}
    for number in range(count):
        uid = f"line-{number}"
        model = kind.new().fit(x, x @ random.normal(size=INPUTS))
        (skops / f"{uid}.skops").write_bytes(skops_bytes(model))
        joblib.dump(model, files / f"{uid}.joblib")
        answers[uid] = float(model.predict([row])[0])
    store = f"file://{folder / 'store'}"
    (folder / "store").mkdir()
    found = models_in_folder(skops, MODEL_TYPE)
    pushed = push(
        open_store(store),
        SET,
        VERSION,
        found,
        model_type=MODEL_TYPE,
        source=Source.PLATFORM,
        trust=kind.trust,
    )
    return Models(store, pushed.manifest, files, tuple(answers), row.tolist(), answers, kind.trust)
