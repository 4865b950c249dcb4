"""Pods with faulty models."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from bluegrid_registry import ModelType, models_in_folder, open_store, push
from bluegrid_server.settings import Settings
from tests.process.bluegrid_server.faulty_models import FaultyModel, NeverLoaded, TellsItsLoads

if TYPE_CHECKING:
    from pathlib import Path

    from sklearn.base import BaseEstimator

PICKLE = ModelType.parse("scikit-learn/pickle")
TRUST = tuple(
    f"tests.process.bluegrid_server.faulty_models.{model.__name__}"
    for model in (FaultyModel, NeverLoaded, TellsItsLoads)
)


def pushed(folder: Path, models: dict[str, BaseEstimator], **settings: Any) -> Settings:
    """Settings of a pod that serves these models."""
    for part in ("trained", "store"):
        (folder / part).mkdir()
    for uid, model in models.items():
        (folder / "trained" / f"{uid}.pickle").write_bytes(pickle.dumps(model))
    url = (folder / "store").as_uri()
    report = push(
        open_store(url),
        "g1",
        "v1",
        models_in_folder(folder / "trained", PICKLE),
        model_type=PICKLE,
        trust=TRUST,
    )
    return Settings.model_validate(
        {
            "store": url,
            "set": "g1",
            "version": "v1",
            "manifest": report.manifest,
            "type": PICKLE,
            "service": "line-loading",
            "cluster": "d1",
            "trust": TRUST,
            "models": folder / "models",
            "time_limit": 1.0,
            **settings,
        }
    )


def request_of(number: float, uid: str) -> dict[str, Any]:
    tensor = {"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [number, 5.0]}
    return {"model_name": uid, "inputs": [tensor]}
