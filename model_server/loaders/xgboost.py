"""XGBoost models, as `Booster.save_model` writes them in UBJSON or JSON."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import xgboost

from model_registry.errors import ModelError
from model_server.loaders.boosters import BoosterModel
from model_server.loaders.gpu import not_used

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray


def load(
    path: Path,
    trust: Iterable[str] = (),  # noqa: ARG001 - nothing in it runs code
    *,
    gpu: bool = False,
) -> BoosterModel:
    """Load a booster, onto a GPU if there is one to use; ModelError when it is none.

    On the CPU it computes in the thread that asks.
    """
    booster = xgboost.Booster({"nthread": 1, "device": "cuda" if gpu else "cpu"})
    try:
        booster.load_model(bytearray(path.read_bytes()))
        # In place it would read rows on the device that it computes on, where they are not.
        predict = partial(_predict_copy, booster) if gpu else booster.inplace_predict
        model = BoosterModel(booster, booster.num_features(), predict)
    except (xgboost.core.XGBoostError, ValueError, TypeError) as error:
        told = str(error).strip().splitlines()[0]
        raise ModelError(
            f"is no XGBoost model that this image reads: {told}; save it with its version"
        ) from None
    if gpu and _device(booster) == "cpu":
        not_used("xgboost", "XGBoost is not built for CUDA, or finds no GPU")
    return model


def _predict_copy(booster: xgboost.Booster, rows: NDArray[Any]) -> Any:
    return booster.predict(xgboost.DMatrix(rows, nthread=1))


def _device(booster: xgboost.Booster) -> str:
    """Return where it computes: without a GPU it falls back to the CPU by itself."""
    device: str = json.loads(booster.save_config())["learner"]["generic_param"]["device"]
    return device
