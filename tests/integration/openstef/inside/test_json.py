"""What a pod answers with a pipeline as data, compared with what OpenSTEF itself predicts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from openstef_core.datasets import TimeSeriesDataset
from openstef_core.testing import create_synthetic_forecasting_dataset
from openstef_models.models.forecasting_model import ForecastingModel
from openstef_models.utils.feature_selection import Include

from bluegrid_openstef.converter import as_json
from bluegrid_openstef.json_file import TYPE
from bluegrid_openstef.json_plugin import PLUGIN, load
from bluegrid_openstef.pipeline.light import Location, clear_sky
from bluegrid_registry import FormatError, ModelError, ModelType, models_in_folder, open_store, push
from bluegrid_server.frameworks import InputError
from tests.integration.openstef.inside.pipelines import AS_DATA, QUANTILES, STEPS, Series, new_model

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAMES = [f"quantile_P{round(each * 100)}" for each in QUANTILES]
HISTORY = timedelta(days=14)
STARTS = (
    "2025-02-13T00:00Z",  # inside the training, a Thursday
    "2026-01-01T00:00Z",
    "2025-12-30T13:00Z",  # over the end of a year
    "2028-02-28T07:00Z",  # over a leap day
    "2026-03-28T12:00Z",  # over the beginning of summer time, at the weekend
    "2026-10-24T18:00Z",  # over the end of summer time
    "2027-03-26T00:00Z",  # Easter
    "2026-04-26T00:00Z",  # King's Day
    "2024-12-24T23:00Z",  # before the training
)
GAPS = ("none", "everywhere", "one column", "at the end", "the target")
"""Where values are missing."""


def frame_at(series: Series, start: str, gaps: str = "none") -> Any:
    """Return two weeks and the steps to forecast from `start` on, with the values of the series."""
    data = series.data.data
    before = HISTORY // timedelta(hours=1)
    frame = data.iloc[: before + STEPS].copy()
    frame.index = pd.date_range(pd.Timestamp(start) - HISTORY, periods=len(frame), freq="h", name="timestamp")
    frame.iloc[before:, frame.columns.get_loc("load")] = np.nan
    generator = np.random.default_rng(1)
    if gaps == "everywhere":
        frame = frame.mask(generator.random(frame.shape) < 0.15)
    elif gaps == "one column":
        frame["windspeed"] = np.nan
    elif gaps == "at the end":
        frame.iloc[-10:, frame.columns.get_loc("radiation")] = np.nan
    elif gaps == "the target":
        frame.iloc[before - 60 : before, frame.columns.get_loc("load")] = np.nan
        frame.iloc[100:130, frame.columns.get_loc("load")] = np.nan
    return frame


def tensors(frame: Any, start: Any = None) -> dict[str, Any]:
    """Return the inputs of a request; without `start`, all steps are forecast."""
    inputs = {"time": frame.index.as_unit("s").asi8}
    if start is not None:
        inputs["forecast_start"] = np.array([pd.Timestamp(start).timestamp()], dtype=np.int64)
    return {**inputs, **{name: frame[name].to_numpy() for name in frame.columns}}


def expected_of(model: Any, frame: Any, start: Any = None) -> Any:
    """Return the table that OpenSTEF predicts."""
    dataset = TimeSeriesDataset(frame.copy(), timedelta(hours=1))
    return model.predict(dataset, None if start is None else pd.Timestamp(start).to_pydatetime()).data


def assert_the_same(answer: Mapping[str, Any], expected: Any) -> None:
    assert answer["time"].tolist() == expected.index.as_unit("s").asi8.tolist()
    for name in NAMES:
        assert answer[name].dtype == np.float64
        assert answer[name].tobytes() == expected[name].to_numpy(np.float64).tobytes(), name


@pytest.mark.parametrize("gaps", GAPS)
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("kind", AS_DATA)
def test_a_forecast_from_data_is_openstefs_to_the_bit(
    kind: str, start: str, gaps: str, models: Mapping[str, Any], documents: Mapping[str, Path], series: Series
) -> None:
    frame = frame_at(series, start, gaps)
    if kind == "gblinear" and gaps == "one column":
        with pytest.raises(InputError, match="no step can be forecast: a feature is missing in each of them"):
            load(documents[kind]).predict(tensors(frame, start))
        return
    expected = expected_of(models[kind], frame, start)
    assert_the_same(load(documents[kind]).predict(tensors(frame, start)), expected)
    assert len(expected) > STEPS // 2


@pytest.mark.parametrize("kind", AS_DATA)
def test_without_a_start_every_step_is_forecast(
    kind: str, models: Mapping[str, Any], documents: Mapping[str, Path], series: Series
) -> None:
    frame = frame_at(series, "2026-01-01T00:00Z", "everywhere")
    expected = expected_of(models[kind], frame)
    assert_the_same(load(documents[kind]).predict(tensors(frame)), expected)
    assert len(expected) > 2 * STEPS


@pytest.mark.parametrize("kind", AS_DATA)
def test_a_pipeline_with_more_columns_and_other_settings_is_data_too(kind: str, tmp_path: Path) -> None:
    """Atmosphere, prices, bounds, a history that is left out, and one that is too short for some lags."""
    data = create_synthetic_forecasting_dataset(
        length=timedelta(days=45), include_atmosphere=True, include_price=True
    )
    model = new_model(
        kind,
        clip_features=Include("windspeed", "temperature"),
        cutoff_history=timedelta(days=8),
        predict_history=timedelta(days=10),
        detect_non_zero_flatliner=True,
    )
    model.fit(data)
    path = tmp_path / "target.json"
    path.write_bytes(as_json(model))
    start = "2026-01-01T00:00Z"
    frame = frame_at(Series(data), start)
    frame.iloc[-3:, frame.columns.get_loc("day_ahead_electricity_price")] = np.nan
    frame["windspeed"] *= 9
    assert_the_same(load(path).predict(tensors(frame, start)), expected_of(model, frame, start))
    assert_the_same(load(path).predict(tensors(frame)), expected_of(model, frame))


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"load": 0.0}, "^Flatliner detected in the provided load data"),
        ({"windspeed": np.nan, "radiation": np.nan, "load": np.nan}, "not sufficiently complete"),
    ],
)
@pytest.mark.parametrize("kind", AS_DATA)
def test_a_series_that_openstef_refuses_is_refused_in_the_same_words(
    kind: str,
    changed: Mapping[str, float],
    fault: str,
    models: Mapping[str, Any],
    documents: Mapping[str, Path],
    series: Series,
) -> None:
    start = "2026-01-01T00:00Z"
    frame = frame_at(series, start)
    for name, value in changed.items():
        frame[name] = value
    with pytest.raises(Exception, match=fault) as refused:
        expected_of(models[kind], frame, start)
    with pytest.raises(InputError) as refused_too:
        load(documents[kind]).predict(tensors(frame, start))
    assert str(refused_too.value) == str(refused.value)


def test_inputs_and_outputs_are_those_of_the_pickle(documents: Mapping[str, Path], series: Series) -> None:
    model = load(documents["xgboost"])
    assert [each.name for each in model.inputs] == ["time", *series.data.data.columns, "forecast_start"]
    assert [each.name for each in model.outputs] == ["time", *NAMES]
    with pytest.raises(InputError, match=r"^windspeed has 3 values, time has \d+$"):
        model.predict(series.tensors(windspeed=np.zeros(3)))


@pytest.mark.parametrize("name", ["time", "forecast_start"])
def test_times_out_of_range_are_refused(name: str, documents: Mapping[str, Path], series: Series) -> None:
    inputs = series.tensors()
    with pytest.raises(InputError, match=rf"^{name} is outside of the years 1900 to 2199; give seconds"):
        load(documents["gblinear"]).predict({**inputs, name: inputs[name] + 10**10})


def test_the_light_of_long_series_is_not_kept() -> None:
    place = Location(latitude=52.0, longitude=5.0, altitude=0.0, pressure=101325.0, turbidity=(60,) * 12)
    short, long = (np.arange(steps, dtype=np.int64).tobytes() for steps in (10, 2_000))
    assert clear_sky(short, place) is clear_sky(short, place)
    assert clear_sky(long, place) is not clear_sky(long, place)


@pytest.mark.parametrize(
    ("kind", "changed", "fault"),
    [
        (
            "lgbm",
            {},
            "^has the forecaster LGBMForecaster: openstef/json does not know that; keep the pipeline as",
        ),
        ("gblinear", {"rolling_aggregate_features": ["mean"]}, "^has the step RollingAggregatesAdder: "),
        (
            "gblinear",
            {"nan_on_outlier_features": Include("windspeed"), "model": "xgboost"},
            "^OutlierHandler has the action nan: ",
        ),
    ],
)
def test_what_has_no_form_as_data_is_refused_by_its_name(
    kind: str, changed: dict[str, Any], fault: str, series: Series
) -> None:
    changed = {**changed}
    model = new_model(changed.pop("model", kind), **changed)
    model.fit(series.data)
    with pytest.raises(ModelError, match=fault):
        as_json(model)


class Shifted(ForecastingModel):  # type: ignore[misc]
    """A model that OpenSTEF's own classes do not describe."""

    def _predict(self, input_data: Any) -> Any:
        forecast = super()._predict(input_data)
        forecast.data[NAMES] += 1
        return forecast


def test_a_pipeline_that_would_answer_otherwise_as_data_is_refused(models: Mapping[str, Any]) -> None:
    model = models["gblinear"]
    shifted = Shifted.model_construct(**{name: getattr(model, name) for name in type(model).model_fields})
    with pytest.raises(ModelError, match=r"^quantile_P10 would not be OpenSTEF's as openstef/json"):
        as_json(shifted)


def test_a_pipeline_that_refuses_the_made_up_series_is_refused(series: Series) -> None:
    model = new_model("gblinear", completeness_threshold=0.95)
    model.fit(series.data)
    with pytest.raises(ModelError, match=r"^cannot be compared by a made-up series: .*not sufficiently"):
        as_json(model)


def test_a_set_of_users_holds_pipelines_as_data(documents: Mapping[str, Path], tmp_path: Path) -> None:
    assert ModelType.parse("openstef/json") is TYPE
    assert not TYPE.runs_code
    folder, store = tmp_path / "models", tmp_path / "store"
    (folder / "grid").mkdir(parents=True)
    store.mkdir()
    (folder / "grid" / "Trafo 1.json").write_bytes(documents["gblinear"].read_bytes())
    pushed = push(open_store(store.as_uri()), "g1", "v1", models_in_folder(folder, TYPE), model_type=TYPE)
    assert pushed.sent_bytes > 0


@pytest.mark.parametrize(
    "data", [b"{}", b'{"format":"bluegrid-openstef/2"}', b'{"format":"bluegrid-openstef/1"']
)
def test_another_file_is_of_another_type(data: bytes) -> None:
    with pytest.raises(FormatError, match="a pipeline of OpenSTEF as data"):
        TYPE.check(data)


@pytest.mark.parametrize(
    ("place", "value", "fault"),
    [
        (("columns",), 1, "is no pipeline of bluegrid-openstef/1: columns"),
        (("preprocessing", 0, "step"), "Own", "is no pipeline of bluegrid-openstef/1: preprocessing.0"),
        (("forecaster", "intercepts"), [0.0], "has weights of the shape"),
        (("quantiles",), {"quantile_P50": 0.5}, "has 1 quantiles, and its forecaster gives 3"),
        (("quantiles",), {"quantile_P50": float("nan")}, "quantiles.quantile_P50: Input should be a finite"),
        (("cutoff",), 10**19, "cutoff: Input should be less than or equal to 10000000000"),
        (("columns",), ["time"], "has a column named 'time', which is the name of an input"),
    ],
)
def test_a_document_that_contradicts_itself_is_refused(
    place: tuple[Any, ...], value: Any, fault: str, documents: Mapping[str, Path], tmp_path: Path
) -> None:
    document = json.loads(documents["gblinear"].read_bytes())
    inner = document
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    path = tmp_path / "target.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ModelError, match=fault):
        load(path)


def test_a_country_is_two_letters(documents: Mapping[str, Path], tmp_path: Path) -> None:
    """The package of holidays looks up any attribute of this name, and calls it."""
    document, path = documents["xgboost"].read_text(), tmp_path / "target.json"
    assert '"country":"NL"' in document
    path.write_text(document.replace('"country":"NL"', '"country":"HolidayBase"'))
    with pytest.raises(ModelError, match=r"HolidayFeatureAdder\.country: String should match"):
        load(path)


def test_a_package_that_is_missing_is_named_when_a_pipeline_is_loaded(
    documents: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(ModelError, match=r"^needs a package: .*holidays.*; pip install"):
        load(documents["xgboost"])


_LOAD = """
import os, sys
from pathlib import Path
import numpy as np
sys.modules |= dict.fromkeys(["openstef_core", "openstef_models", "openstef_beam"])
from bluegrid_openstef.json_plugin import load
before = len(os.listdir("/proc/self/task"))
model = load(Path(sys.argv[1]))
times = np.arange(480, dtype=np.int64) * 3600
series = {each.name: np.sin(times) for each in model.inputs[1:-1]}
answer = model.predict({"time": times, "forecast_start": times[400:401], **series})
print(len(answer["time"]), len(os.listdir("/proc/self/task")) - before)
print(*({"pandas", "pvlib"} & {*sys.modules}))
"""


@pytest.mark.parametrize("kind", AS_DATA)
def test_neither_openstef_nor_pvlib_is_imported_and_no_thread_is_started(
    kind: str, documents: Mapping[str, Path]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, documents[kind]], capture_output=True, text=True, check=True
    )
    # XGBoost imports pandas where it is installed.
    assert done.stdout == f"80 0\n{'pandas' if kind == 'xgboost' else ''}\n"


@pytest.mark.parametrize("kind", AS_DATA)
def test_a_loaded_pipeline_answers_after_a_fork(
    kind: str, documents: Mapping[str, Path], series: Series
) -> None:
    assert PLUGIN.outlives_fork
    model = load(documents[kind])
    expected = model.predict(series.tensors())["quantile_P50"]
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writing, model.predict(series.tensors())["quantile_P50"].tobytes())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        assert answer.read() == expected.tobytes()
    assert os.waitpid(child, 0)[1] == 0


def test_the_command_converts_a_folder_and_names_what_it_refuses(
    files: Mapping[str, Path], documents: Mapping[str, Path], tmp_path: Path
) -> None:
    models, data = tmp_path / "models", tmp_path / "data"
    (models / "grid").mkdir(parents=True)
    for kind in ("gblinear", "lgbm"):
        (models / "grid" / f"{kind}.joblib").write_bytes(files[kind].read_bytes())
    # Its file would be read as the lineage of the others.
    (models / "lineage.joblib").write_bytes(files["gblinear"].read_bytes())
    # Of an earlier run, in which the pipeline had a form as data.
    (data / "grid").mkdir(parents=True)
    (data / "grid" / "lgbm.json").write_bytes(documents["gblinear"].read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "bluegrid_openstef", models, data], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    *_, of_lgbm, of_lineage = done.stderr.splitlines()
    assert of_lgbm.startswith("grid/lgbm.joblib: has the forecaster LGBMForecaster")
    assert of_lineage == "lineage.joblib: no model as data can have this name; rename it"
    assert (data / "grid" / "gblinear.json").read_bytes() == documents["gblinear"].read_bytes()
    assert [path.name for path in data.rglob("*.json")] == ["gblinear.json"]


def test_the_command_refuses_a_folder_without_pipelines(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bluegrid_openstef", tmp_path, tmp_path / "data"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"{tmp_path}: no *.joblib in it or below it")
