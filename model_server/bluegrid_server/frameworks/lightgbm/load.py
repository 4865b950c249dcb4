"""Loader of LightGBM models, the text files of `Booster.save_model`.

A file of a model that stopped early has the rounds up to the best one. It does not have the labels of an
`LGBMClassifier`.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import lightgbm

from bluegrid_registry.model_types import writers
from bluegrid_server.frameworks.boosters import BoosterModel, Output, of_two_classes
from bluegrid_server.frameworks.features import features_of
from bluegrid_server.frameworks.lightgbm.categories import categories_of
from bluegrid_server.frameworks.lightgbm.compiler import are_generated
from bluegrid_server.frameworks.versions import check_writer, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bluegrid_server.frameworks.boosters import Compute

_FORMAT = "LightGBM's format"
_OBJECTIVE = re.compile(rb"^objective=(\w+)", re.MULTILINE)


def load(path: Path, trust: Iterable[str] = ()) -> BoosterModel:  # noqa: ARG001 - the file cannot run code
    """Load a booster, which computes in the calling thread; raise ModelError if the file has none."""
    data = path.read_bytes()
    try:
        booster = lightgbm.Booster(model_str=data.decode())
        # LightGBM reads files of any version without an error; files that it writes name its newest version.
        check_writer(_FORMAT, writers.lightgbm(data), _newest_version(booster))
        predict = partial(booster.predict, num_threads=1)
        features = features_of(booster.num_feature(), _names(booster), categories_of(booster))
        found = _OBJECTIVE.search(data)
        on_request = {
            "margin": Output(partial(predict, raw_score=True)),
            **_probability(found[1].decode() if found else "", predict),
        }
        return BoosterModel(booster, features, predict, on_request)
    except (lightgbm.basic.LightGBMError, ValueError, TypeError) as error:
        raise unreadable("LightGBM model", error, "LightGBM", None, lightgbm.__version__) from None


def _probability(objective: str, predict: Compute) -> dict[str, Output]:
    if objective in ("binary", "cross_entropy"):
        return {"probability": Output(lambda rows: of_two_classes(predict(rows)))}
    return {"probability": Output(predict)} if objective.startswith("multiclass") else {}


def _newest_version(booster: lightgbm.Booster) -> str:
    return writers.lightgbm(booster.model_to_string(num_iteration=1).encode()) or ""


def _names(booster: lightgbm.Booster) -> list[str]:
    """Return the names of the features; empty if LightGBM has generated them."""
    names = booster.feature_name()
    return [] if are_generated(names) else names
