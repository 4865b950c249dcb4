"""Loader of XGBoost models, files of `save_model` of a Booster or a scikit-learn wrapper.

A model trained with early stopping answers by its rounds up to the best round, like the fitted wrapper: the
file names this round. The file does not have a wrapper's `missing`.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost

from bluegrid_registry.model_types import writers
from bluegrid_server.frameworks.boosters import BoosterModel
from bluegrid_server.frameworks.features import features_of
from bluegrid_server.frameworks.gpu import not_used
from bluegrid_server.frameworks.versions import check_writer, unreadable
from bluegrid_server.frameworks.xgboost.categories import categories_of
from bluegrid_server.frameworks.xgboost.outputs import on_request

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

_FRAMEWORK = "XGBoost"
_MAX_FP32 = float(np.finfo(np.float32).max)


def load(
    path: Path,
    trust: Iterable[str] = (),  # noqa: ARG001 - the file cannot run code
    *,
    gpu: bool = False,
) -> BoosterModel:
    """Load a booster, onto a GPU if one can be used; raise ModelError if the file has none.

    On the CPU it computes in the calling thread.
    """
    data = path.read_bytes()
    writer = writers.xgboost_ubj(data) or writers.xgboost_json(data)
    check_writer(_FRAMEWORK, writer, xgboost.__version__)
    parameters = {"nthread": 1, "device": "cuda" if gpu else "cpu"}
    booster = xgboost.Booster(parameters)
    try:
        booster.load_model(bytearray(data))
        categories = categories_of(booster)  # A slice of the booster has lost them.
        is_linear = _learner(booster)["gradient_booster"]["name"] == "gblinear"
        if not is_linear:
            booster = _best(booster)
            booster.set_param(parameters)
        # On a GPU, in-place prediction would read the rows from GPU memory, where they are not.
        predict = partial(_by_copy if gpu or is_linear else _in_place, booster)
        names = booster.feature_names or ()
        features = features_of(booster.num_features(), names, categories, refuses_unknown=True)
        more = on_request(_learner(booster), predict, partial(predict, is_margin=True))
        model = BoosterModel(booster, features, predict, more)
    except (xgboost.core.XGBoostError, IndexError, KeyError, TypeError, ValueError) as error:
        raise unreadable("XGBoost model", error, _FRAMEWORK, writer, xgboost.__version__) from None
    if gpu and _learner(booster)["generic_param"]["device"] == "cpu":
        not_used("xgboost", "XGBoost is not built for CUDA, or finds no GPU")
    return model


def _best(booster: xgboost.Booster) -> xgboost.Booster:
    """Leave out the rounds after the best round, if early stopping has recorded the best round."""
    best = booster.attr("best_iteration")
    # Attributes are always text.
    rounds = booster.num_boosted_rounds() if best is None else int(best) + 1
    return booster if rounds == booster.num_boosted_rounds() else booster[:rounds]


def _in_place(booster: xgboost.Booster, rows: NDArray[Any], *, is_margin: bool = False) -> Any:
    # In place, numbers beyond FP32 become infinite without an error; a copy is checked.
    if (np.abs(rows) > _MAX_FP32).any():
        return _by_copy(booster, rows, is_margin=is_margin)
    return booster.inplace_predict(rows, predict_type="margin" if is_margin else "value")


def _by_copy(booster: xgboost.Booster, rows: NDArray[Any], *, is_margin: bool = False) -> Any:
    names, types = booster.feature_names, booster.feature_types
    is_categorical = "c" in (types or ())
    copied = xgboost.DMatrix(
        rows, nthread=1, feature_names=names, feature_types=types, enable_categorical=is_categorical
    )
    return booster.predict(copied, output_margin=is_margin)


def _learner(booster: xgboost.Booster) -> dict[str, Any]:
    """Return the effective configuration with the device: without a GPU, XGBoost falls back to the CPU."""
    learner: dict[str, Any] = json.loads(booster.save_config())["learner"]
    return learner
