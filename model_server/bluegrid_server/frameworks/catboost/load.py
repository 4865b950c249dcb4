"""Loader of CatBoost models, files of `save_model` in the format `cbm`.

A file names its loss and its classes, from which CatBoost knows what `predict` gives: `y` is what
`CatBoostClassifier` gives for a model with classes, and `CatBoostRegressor` for any other.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import catboost

from bluegrid_registry.errors import ModelError
from bluegrid_registry.model_types import writers
from bluegrid_server.frameworks.boosters import BoosterModel, Output
from bluegrid_server.frameworks.catboost.columns import MixedColumns
from bluegrid_server.frameworks.features import Numbers
from bluegrid_server.frameworks.versions import check_writer, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bluegrid_server.frameworks.features import Features

_FRAMEWORK = "CatBoost"
_RAW = "RawFormulaVal"
_OF_LOSS = {"Poisson": "Exponent", "Tweedie": "Exponent", "RMSEWithUncertainty": "RMSEWithUncertainty"}
"""What `CatBoostRegressor.predict` gives for these losses, and `RawFormulaVal` for others."""
_OF_LABELS = ("MultiLogloss", "MultiCrossEntropy")
"""Losses of several labels: outputs have a column for each label, not for each class."""


def load(path: Path, trust: Iterable[str] = ()) -> BoosterModel:  # noqa: ARG001 - the file cannot run code
    """Load a model, which computes in the calling thread; raise ModelError if the file has none."""
    data = path.read_bytes()
    writer = writers.catboost(data)
    check_writer(_FRAMEWORK, writer, catboost.__version__)
    try:
        model = catboost.CatBoost().load_model(blob=data)
        loss = _loss(model)
        classes = tuple(model.classes_.tolist())
        by_type = {
            kind: partial(model.predict, prediction_type=kind, thread_count=1)
            for kind in ("Class", "Probability", _RAW, *_OF_LOSS.values())
        }
        on_request = {"margin": Output(by_type[_RAW])}
        if classes:
            labels = () if loss in _OF_LABELS else classes
            on_request["probability"] = Output(by_type["Probability"], labels)
        predict = by_type["Class" if classes else _OF_LOSS.get(loss, _RAW)]
        return BoosterModel(model, _features(model), predict, on_request)
    except (catboost.CatBoostError, ValueError, TypeError) as error:
        raise unreadable("CatBoost model", error, _FRAMEWORK, writer, catboost.__version__) from None


def _loss(model: catboost.CatBoost) -> str:
    """Return the loss that the model was trained with; empty if the file does not name it."""
    written = json.loads(model.get_metadata().get("params", "{}"))
    loss: str = written.get("loss_function", {}).get("type", "")
    return loss


def _features(model: catboost.CatBoost) -> Features:
    names = model.feature_names_
    if embeddings := model.get_embedding_feature_indices():
        raise ModelError(
            f"takes embeddings (feature {names[embeddings[0]]!r}), which are not served; train it with their "
            "numbers as features"
        )
    categories, texts = model.get_cat_feature_indices(), model.get_text_feature_indices()
    if categories or texts:
        return MixedColumns(names, categories, texts)
    # CatBoost numbers features without names.
    return Numbers(len(names), [] if names == [*map(str, range(len(names)))] else names)
