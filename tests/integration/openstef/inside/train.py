"""Trains small pipelines: `python -m tests.integration.openstef.inside.train FOLDER DAYS KIND...`.

Writes a model of each KIND into a new folder, and `examples.json` with OpenSTEF's own forecast of each. DAYS
are those of the training: other days give other forecasts.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
from openstef_core.testing import create_synthetic_forecasting_dataset

from bluegrid_openstef.columns import columns_of
from tests.integration.openstef.inside.pipelines import Series, new_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def main(folder: Path, days: int, kinds: Sequence[str]) -> None:
    """Train, and write the models and their forecasts."""
    folder.mkdir()
    series = Series(create_synthetic_forecasting_dataset(length=timedelta(days=days)))
    examples = {}
    for kind in kinds:
        model = new_model(kind)
        model.fit(series.data)
        joblib.dump(model, folder / f"{kind}.joblib")
        taken = {"time", "forecast_start", *columns_of(model)}
        inputs = [tensor(name, values) for name, values in series.tensors().items() if name in taken]
        examples[kind] = {"request": {"inputs": inputs}, "response": {"outputs": forecast(model, series)}}
    (folder / "examples.json").write_text(json.dumps(examples))


def forecast(model: Any, series: Series) -> list[Mapping[str, Any]]:
    """Return what OpenSTEF predicts, as tensors of the Open Inference Protocol."""
    predicted = model.predict(series.recent, forecast_start=series.start.to_pydatetime()).data
    names = [each.format() for each in model.quantiles]
    return [
        tensor("time", predicted.index.as_unit("s").asi8),
        *(tensor(name, predicted[name].to_numpy(np.float64)) for name in names),
    ]


def tensor(name: str, values: Any) -> Mapping[str, Any]:
    """Return numbers as JSON has them: null where one is missing."""
    data = [None if np.isnan(each) else each for each in values.tolist()]
    datatype = "INT64" if values.dtype.kind == "i" else "FP64"
    return {"name": name, "shape": [len(data)], "datatype": datatype, "data": data}


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
