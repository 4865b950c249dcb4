"""The models, as files for each server; the requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import joblib
import numpy as np
import orjson
from sklearn.linear_model import Ridge

from benchmarks.server.plan import INPUTS
from examples.line_loading.skops_bytes import skops_bytes
from model_registry import ModelType, Source, models_in_folder, open_store, push

if TYPE_CHECKING:
    from pathlib import Path

SET, VERSION = "bench", "v1"
MODEL_TYPE = ModelType.parse("scikit-learn/skops")


@dataclass(frozen=True)
class Models:
    """Different Ridge regressions of one shape, named `line-0` and so on.

    Attributes:
        store: holds them as a version.
        manifest: its digest.
        files: folder of `<uid>.joblib`, for the peers.
        uids: in order.
        row: what every request asks about.
        answers: what each model says to the row.
    """

    store: str
    manifest: str
    files: Path
    uids: tuple[str, ...]
    row: list[float]
    answers: dict[str, float]

    def tensor(self) -> dict[str, object]:
        """The input of an Open Inference Protocol request."""
        return {"name": "x", "shape": [1, INPUTS], "datatype": "FP64", "data": self.row}

    def body(self) -> bytes:
        """A request for one model; the path says which."""
        return orjson.dumps({"inputs": [self.tensor()]})

    def batch_body(self) -> bytes:
        """One request for all models."""
        return orjson.dumps(
            {"requests": [{"model_name": uid, "inputs": [self.tensor()]} for uid in self.uids]}
        )


def make(folder: Path, count: int) -> Models:
    """Fit `count` models, write them for the peers and push them for ours; the same ones every time."""
    skops, files = folder / "skops", folder / "joblib"
    for each in (skops, files):
        each.mkdir(parents=True)
    random = np.random.default_rng(count)
    x = random.normal(size=(2 * INPUTS, INPUTS))
    row = random.normal(size=INPUTS).round(6)
    answers = {}
    for number in range(count):
        uid = f"line-{number}"
        model = Ridge().fit(x, x @ random.normal(size=INPUTS))
        (skops / f"{uid}.skops").write_bytes(skops_bytes(model))
        joblib.dump(model, files / f"{uid}.joblib")
        answers[uid] = float(model.predict([row])[0])
    store = f"file://{folder / 'store'}"
    (folder / "store").mkdir()
    found = models_in_folder(skops, MODEL_TYPE)
    pushed = push(open_store(store), SET, VERSION, found, model_type=MODEL_TYPE, source=Source.PLATFORM)
    return Models(store, pushed.manifest, files, tuple(answers), row.tolist(), answers)
