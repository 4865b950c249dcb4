"""LightGBM models, as `Booster.save_model` writes them in text."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import lightgbm

from model_registry.errors import ModelError
from model_server.loaders.boosters import BoosterModel

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def load(path: Path, trust: Iterable[str] = ()) -> BoosterModel:  # noqa: ARG001 - nothing in it runs code
    """Load a booster; ModelError when it is none. It computes in the thread that asks."""
    try:
        booster = lightgbm.Booster(model_str=path.read_text())
        return BoosterModel(booster, booster.num_feature(), partial(booster.predict, num_threads=1))
    except (lightgbm.basic.LightGBMError, ValueError, TypeError) as error:
        told = str(error).strip().splitlines()[0]
        raise ModelError(
            f"is no LightGBM model that this image reads: {told}; save it with its version"
        ) from None
