"""LightGBM models, as `Booster.save_model` writes them in text."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import lightgbm

from bluegrid_registry.model_types import writers
from bluegrid_server.frameworks.boosters import BoosterModel
from bluegrid_server.frameworks.versions import check_writer, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_FORMAT = "LightGBM's format"


def load(path: Path, trust: Iterable[str] = ()) -> BoosterModel:  # noqa: ARG001 - nothing in it runs code
    """Load a booster; ModelError if the file has none. It computes in the calling thread."""
    data = path.read_bytes()
    try:
        booster = lightgbm.Booster(model_str=data.decode())
        # LightGBM reads any; what it writes itself names the newest that it knows.
        check_writer(_FORMAT, writers.lightgbm(data), _newest(booster))
        return BoosterModel(
            booster, booster.num_feature(), partial(booster.predict, num_threads=1), _names(booster)
        )
    except (lightgbm.basic.LightGBMError, ValueError, TypeError) as error:
        raise unreadable("LightGBM model", error, "LightGBM", None, lightgbm.__version__) from None


def _newest(booster: lightgbm.Booster) -> str:
    return writers.lightgbm(booster.model_to_string(num_iteration=1).encode()) or ""


def _names(booster: lightgbm.Booster) -> list[str]:
    """Names of its features; none where LightGBM has counted them itself."""
    names = booster.feature_name()
    return [] if names == [f"Column_{number}" for number in range(len(names))] else names
