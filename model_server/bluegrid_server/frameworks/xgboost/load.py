"""XGBoost models, as `Booster.save_model` or a scikit-learn wrapper's `save_model` writes them.

What was trained with early stopping answers by its rounds up to the best one, as the wrapper that was fitted:
that is in the file. So is not: a wrapper's `missing`, and its classes.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost

from bluegrid_registry.model_types import writers
from bluegrid_server.frameworks.boosters import BoosterModel
from bluegrid_server.frameworks.gpu import not_used
from bluegrid_server.frameworks.versions import check_writer, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

_FRAMEWORK = "XGBoost"
_MOST = float(np.finfo(np.float32).max)


def load(
    path: Path,
    trust: Iterable[str] = (),  # noqa: ARG001 - nothing in it runs code
    *,
    gpu: bool = False,
) -> BoosterModel:
    """Load a booster, onto a GPU if there is one to use; ModelError if the file has none.

    On the CPU it computes in the thread that asks.
    """
    data = path.read_bytes()
    writer = writers.xgboost_ubj(data) or writers.xgboost_json(data)
    check_writer(_FRAMEWORK, writer, xgboost.__version__)
    parameters = {"nthread": 1, "device": "cuda" if gpu else "cpu"}
    booster = xgboost.Booster(parameters)
    try:
        booster.load_model(bytearray(data))
        is_linear = _config(booster)["gradient_booster"]["name"] == "gblinear"
        if not is_linear:
            booster = _best(booster)
            booster.set_param(parameters)
        # In place it would read rows on the device that it computes on, where they are not.
        way = _by_copy if gpu or is_linear else _in_place
        names = booster.feature_names or ()
        model = BoosterModel(booster, booster.num_features(), partial(way, booster), names)
    except (xgboost.core.XGBoostError, IndexError, KeyError, TypeError, ValueError) as error:
        raise unreadable("XGBoost model", error, _FRAMEWORK, writer, xgboost.__version__) from None
    if gpu and _config(booster)["generic_param"]["device"] == "cpu":
        not_used("xgboost", "XGBoost is not built for CUDA, or finds no GPU")
    return model


def _best(booster: xgboost.Booster) -> xgboost.Booster:
    """Leave out the rounds after the best one, where early stopping has kept which one that is."""
    best = booster.attr("best_iteration")
    # Whatever they are, attributes are text.
    rounds = booster.num_boosted_rounds() if best is None else int(best) + 1
    return booster if rounds == booster.num_boosted_rounds() else booster[:rounds]


def _in_place(booster: xgboost.Booster, rows: NDArray[Any]) -> Any:
    # In place, numbers that FP32 does not hold become infinite and are answered; a copy is checked.
    if (np.abs(rows) > _MOST).any():
        return _by_copy(booster, rows)
    return booster.inplace_predict(rows)


def _by_copy(booster: xgboost.Booster, rows: NDArray[Any]) -> Any:
    names, types = booster.feature_names, booster.feature_types
    is_categorical = "c" in (types or ())
    copied = xgboost.DMatrix(
        rows, nthread=1, feature_names=names, feature_types=types, enable_categorical=is_categorical
    )
    return booster.predict(copied)


def _config(booster: xgboost.Booster) -> dict[str, Any]:
    """Return what it computes by, and where: without a GPU it falls back to the CPU by itself."""
    learner: dict[str, Any] = json.loads(booster.save_config())["learner"]
    return learner
