"""Loader of LightGBM models, the text files of `Booster.save_model`."""

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


def load(path: Path, trust: Iterable[str] = ()) -> BoosterModel:  # noqa: ARG001 - the file cannot run code
    """Load a booster, which computes in the calling thread; raise ModelError if the file has none."""
    data = path.read_bytes()
    try:
        booster = lightgbm.Booster(model_str=data.decode())
        # LightGBM reads files of any version without an error; files that it writes name its newest version.
        check_writer(_FORMAT, writers.lightgbm(data), _newest_version(booster))
        return BoosterModel(
            booster, booster.num_feature(), partial(booster.predict, num_threads=1), _names(booster)
        )
    except (lightgbm.basic.LightGBMError, ValueError, TypeError) as error:
        raise unreadable("LightGBM model", error, "LightGBM", None, lightgbm.__version__) from None


def _newest_version(booster: lightgbm.Booster) -> str:
    return writers.lightgbm(booster.model_to_string(num_iteration=1).encode()) or ""


def _names(booster: lightgbm.Booster) -> list[str]:
    """Return the names of the features; empty if LightGBM has generated them."""
    names = booster.feature_name()
    return [] if names == [f"Column_{number}" for number in range(len(names))] else names
