"""XGBoost models, as `Booster.save_model` writes them in UBJSON or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import xgboost

from model_registry.errors import ModelError
from model_server.loaders.boosters import BoosterModel

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def load(path: Path, trust: Iterable[str] = ()) -> BoosterModel:  # noqa: ARG001 - nothing in it runs code
    """Load a booster; ModelError when it is none. It computes in the thread that asks."""
    booster = xgboost.Booster({"nthread": 1})
    try:
        booster.load_model(bytearray(path.read_bytes()))
        return BoosterModel(booster, booster.num_features(), booster.inplace_predict)
    except (xgboost.core.XGBoostError, ValueError, TypeError) as error:
        told = str(error).strip().splitlines()[0]
        raise ModelError(
            f"is no XGBoost model that this image reads: {told}; save it with its version"
        ) from None
