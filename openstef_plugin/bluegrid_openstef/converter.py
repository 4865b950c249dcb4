"""Writes a fitted pipeline of OpenSTEF as `openstef/json`; needs OpenSTEF.

A step with its settings becomes a step of the document, or is refused: then the pipeline stays a file of
`openstef/joblib`. What is written has been compared with OpenSTEF (proof.py).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost
from openstef_models.models.forecasting.gblinear_forecaster import GBLinearForecaster
from openstef_models.models.forecasting.xgboost_forecaster import XGBoostForecaster
from openstef_models.transforms.postprocessing import ConfidenceIntervalApplicator, QuantileSorter
from pydantic import ValidationError

from bluegrid_openstef.columns import columns_of
from bluegrid_openstef.converted_steps import converted
from bluegrid_openstef.pipeline.document import PipelineDocument
from bluegrid_openstef.pipeline.forecasters import LinearForecaster, TargetScale, TreeForecaster
from bluegrid_openstef.pipeline.numbers import CompleteRows
from bluegrid_openstef.proof import prove
from bluegrid_openstef.table_columns import TableColumns, not_as_data
from bluegrid_openstef.training_holidays import keep_holidays_of_training
from bluegrid_registry.frozen import first_mistake

if TYPE_CHECKING:
    from openstef_models.models.forecasting_model import ForecastingModel


def as_json(model: ForecastingModel) -> bytes:
    """Return a fitted model as a file of `openstef/json`.

    Its forecasts of two made-up series are compared with OpenSTEF's, to the bit, with the holidays of its
    training, as in a pod. The model itself stays as it is.

    Raises:
        ModelError: the model has a step, a forecaster or a setting that has no form as data, or its forecasts
            as data would differ, or cannot be compared.
    """
    steps = model.preprocessing.transforms
    keep_holidays_of_training(model)
    try:
        document = _valid_document(model)
        prove(model, document)
    finally:
        model.preprocessing.transforms = steps
    return document.to_bytes()


def _valid_document(model: ForecastingModel) -> PipelineDocument:
    try:
        return _document(model)
    except ValidationError as error:
        raise not_as_data(f"has a setting that its form lacks ({first_mistake(error)})") from None


def _document(model: ForecastingModel) -> PipelineDocument:
    columns = TableColumns(columns_of(model))
    steps = [converted(step, columns) for step in model.preprocessing.transforms]
    preprocessing = tuple(step for step in steps if step is not None)
    forecaster = _forecaster(model.forecaster)
    features = tuple(name for name in columns.names if name not in {model.target_column, "sample_weight"})
    if forecaster.columns != features:
        raise not_as_data("its forecaster was fitted with other columns than the steps make")
    if any(isinstance(step, CompleteRows) for step in preprocessing[:-1]):
        raise not_as_data("NaNDropper is not its last step")
    last = preprocessing[-1] if preprocessing else None
    # OpenSTEF refuses a series with a missing value in any row, also before the first step to forecast.
    if isinstance(forecaster, LinearForecaster) and not (
        isinstance(last, CompleteRows) and {*features} <= {*last.columns}
    ):
        raise not_as_data("its GBLinearForecaster is not preceded by a NaNDropper of all features")
    return PipelineDocument(
        columns=columns.inputs,
        preprocessing=preprocessing,
        forecaster=forecaster,
        quantiles={each.format(): float(each) for each in model.quantiles},
        is_sorted=_is_sorted(model.postprocessing.transforms),
        cutoff=round(model.cutoff_history.total_seconds()),
    )


def _is_sorted(steps: Any) -> bool:
    """Return whether the quantiles are sorted, which is all that postprocessing may do."""
    for step in steps:
        adds = type(step) is ConfidenceIntervalApplicator and step.add_quantiles_from_std and step.quantiles
        if adds or type(step) not in {QuantileSorter, ConfidenceIntervalApplicator}:
            raise not_as_data(f"has the postprocessing {type(step).__name__}")
    return any(type(step) is QuantileSorter for step in steps)


def _forecaster(forecaster: Any) -> LinearForecaster | TreeForecaster:
    if type(forecaster) is GBLinearForecaster:
        return _linear(forecaster._gblinear_model.get_booster(), _scale(forecaster._target_scaler))
    if type(forecaster) is XGBoostForecaster:
        return _trees(forecaster._xgboost_model, _scale(forecaster._target_scaler))
    raise not_as_data(f"has the forecaster {type(forecaster).__name__}")


def _scale(scaler: Any) -> TargetScale | None:
    return None if scaler is None else TargetScale(mean=float(scaler.mean_[0]), scale=float(scaler.scale_[0]))


def _linear(booster: Any, target: TargetScale | None) -> LinearForecaster:
    names = booster.feature_names
    model = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]
    flat = np.array(model["weights"], dtype=np.float32)
    # A row for each feature, and the last one for the biases.
    table = flat.reshape(len(names) + 1, -1)
    # To them XGBoost adds its base score, of which 3.4 uses the first of several quantiles for
    # all: what it answers where all features are 0 has both.
    zeros = xgboost.DMatrix(np.zeros((1, len(names))), feature_names=names)
    return LinearForecaster(
        columns=tuple(names),
        weights=tuple(tuple(row) for row in table[:-1].tolist()),
        intercepts=tuple(booster.predict(zeros).reshape(-1).tolist()),
        target=target,
    )


def _trees(model: Any, target: TargetScale | None) -> TreeForecaster:
    booster = model.get_booster()
    try:
        rounds = model.best_iteration + 1
    except AttributeError:
        rounds = 0
    # Validation decodes base64.
    return TreeForecaster.model_construct(
        columns=tuple(booster.feature_names),
        booster=bytes(booster.save_raw("ubj")),
        rounds=rounds,
        target=target,
    )
