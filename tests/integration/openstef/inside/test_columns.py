"""The columns that steps of a pipeline as data state, by which a file is refused when it is loaded."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pytest
from openstef_core.testing import create_synthetic_forecasting_dataset
from openstef_models.transforms.general import OutlierHandler
from openstef_models.utils.feature_selection import Include

from bluegrid_openstef.converter import as_json
from bluegrid_openstef.json_plugin import load
from bluegrid_openstef.pipeline.calendar import Cycles, Holidays, Weekdays
from bluegrid_openstef.pipeline.checks import Completeness, Flatline
from bluegrid_openstef.pipeline.document import AnyStep, PipelineDocument
from bluegrid_openstef.pipeline.forecasters import LinearForecaster
from bluegrid_openstef.pipeline.lags import Lag, Lags
from bluegrid_openstef.pipeline.light import Location
from bluegrid_openstef.pipeline.model import PipelineModel
from bluegrid_openstef.pipeline.numbers import Bounds, CompleteRows, Imputation, Removal, Scaling
from bluegrid_openstef.pipeline.sun import Daylight, Radiation
from bluegrid_openstef.pipeline.table import DAY, SeriesTable
from bluegrid_openstef.pipeline.weather import Atmosphere, WindPower
from bluegrid_registry import ModelError
from bluegrid_server.frameworks import InputError
from tests.integration.openstef.inside.pipelines import AS_DATA, STEPS, Series, new_model

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

Document = dict[str, Any]

INPUTS = ("load", "windspeed", "temperature", "relative_humidity", "pressure", "radiation")
PLACE = Location(latitude=52.0, longitude=5.0, altitude=0.0, pressure=101325.0, turbidity=(60,) * 12)
WIND = WindPower(
    speed="windspeed",
    reference_height=10.0,
    hub_speed="windspeed_hub_height",
    hub_height=100.0,
    rated_power=1.0,
    steepness=0.664,
    slope_center=8.07,
    power="wind_power",
)


def atmosphere(*features: str) -> Atmosphere:
    return Atmosphere.model_validate(
        {
            "temperature": "temperature",
            "humidity": "relative_humidity",
            "pressure": "pressure",
            "features": features,
        }
    )


def radiation(*features: str) -> Radiation:
    return Radiation.model_validate(
        {
            "radiation": "radiation",
            "features": features,
            "surface_tilt": 34.0,
            "surface_azimuth": 180.0,
            "location": PLACE,
        }
    )


MADE_STEPS = (
    Completeness(weights={"load": 1.0, "radiation": 0.5}, threshold=0.5),
    Flatline(column="load", seconds=DAY, is_median=True, absolute_tolerance=0.0, relative_tolerance=1e-5),
    Lags(
        target="load",
        lags=(
            Lag(column="load_lag_P1D", seconds=DAY),
            Lag(column="load_lag_P7D", seconds=7 * DAY, fallback=8 * DAY),
        ),
    ),
    WIND,
    atmosphere("saturation_vapour_pressure"),
    atmosphere("vapour_pressure"),
    atmosphere("dewpoint"),
    atmosphere("saturation_vapour_pressure", "air_density"),
    atmosphere("saturation_vapour_pressure", "vapour_pressure", "dewpoint", "air_density"),
    radiation("gti"),
    radiation("dni", "gti"),
    Cycles(cycles=("season", "time_of_day")),
    Daylight(location=PLACE),
    Holidays(country="NL", names=("new_year_s_day", "king_s_day")),
    Weekdays(),
    Bounds(bounds={"windspeed": (0.0, None), "temperature": (None, None)}),
    Scaling(mean={"windspeed": 5.0}, scale={"windspeed": None}),
    Removal(removed=("pressure", "radiation")),
    Removal(removed=("pressure", "pressure")),
    Imputation(values={"windspeed": 5.0, "temperature": 10.0}, future=("windspeed",)),
    CompleteRows(columns=("load", "windspeed")),
)


class Recorded(dict[str, Any]):
    """Columns, of which those are noted that were there before and are used."""

    def __init__(self, columns: Mapping[str, Any]) -> None:
        super().__init__(columns)
        self.used: set[str] = set()
        self._made: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self.used.add(name)
        return super().__getitem__(name)

    def __setitem__(self, name: str, values: Any) -> None:
        self._made.add(name)
        super().__setitem__(name, values)

    def __delitem__(self, name: str) -> None:
        self.used.add(name)
        super().__delitem__(name)


def made_table() -> SeriesTable:
    times = np.arange(1_767_225_600, 1_767_225_600 + 16 * DAY, 3600, dtype=np.int64)
    generator = np.random.default_rng(0)
    series = {name: generator.uniform(1, 20, len(times)) for name in INPUTS}
    return SeriesTable.of(times, series, int(times[-STEPS]))


def assert_states_its_columns(step: Any, table: SeriesTable) -> None:
    """Run a step, and compare the columns that it uses and changes with those that it states."""
    before = {*table.columns}
    series, columns = Recorded(table.series), Recorded(table.columns)
    table.series, table.columns = series, columns
    with np.errstate(all="ignore"):
        step.transform(table)
    assert series.used == {*step.reads}, step
    assert columns.used == {*step.needs}, step
    assert {*table.columns} == (before | {*step.makes}) - {*step.removes}, step


@pytest.mark.parametrize("step", MADE_STEPS, ids=lambda step: step.step)
def test_a_step_uses_and_changes_the_columns_that_it_states(step: Any) -> None:
    assert_states_its_columns(step, made_table())


def test_each_class_of_steps_is_compared() -> None:
    classes = get_args(get_args(AnyStep)[0])
    assert len(classes) > 10
    assert {type(step) for step in MADE_STEPS} == {*classes}


def test_the_wind_at_the_hub_is_computed_only_where_the_series_lacks_it() -> None:
    table = made_table()
    there = table.columns[WIND.hub_speed] = table.columns["temperature"]
    WIND.transform(table)
    assert table.columns[WIND.hub_speed] is there
    assert {*table.columns} == {*INPUTS, *WIND.makes}


@pytest.fixture(scope="module")
def with_more_columns() -> tuple[PipelineDocument, Series]:
    """A pipeline with atmosphere, prices and bounds, and its series."""
    series = Series(
        create_synthetic_forecasting_dataset(
            length=timedelta(days=45), include_atmosphere=True, include_price=True
        )
    )
    model = new_model("gblinear", clip_features=Include("windspeed", "temperature"))
    model.fit(series.data)
    return PipelineDocument.parse(as_json(model)), series


def assert_steps_state_their_columns(document: PipelineDocument, series: Series) -> None:
    inputs = series.tensors()
    columns = {name: inputs[name] for name in document.columns}
    table = SeriesTable.of(inputs["time"], columns, int(inputs["forecast_start"][0]))
    for step in document.preprocessing:
        assert_states_its_columns(step, table)
    assert {*document.forecaster.columns} <= {*table.columns}


@pytest.mark.parametrize("kind", AS_DATA)
def test_the_steps_of_a_preset_state_their_columns(
    kind: str, documents: Mapping[str, Path], series: Series
) -> None:
    assert_steps_state_their_columns(PipelineDocument.parse(documents[kind].read_bytes()), series)


def test_the_steps_of_a_pipeline_with_more_columns_state_them(
    with_more_columns: tuple[PipelineDocument, Series],
) -> None:
    document, series = with_more_columns
    assert {Atmosphere, Bounds} < {type(step) for step in document.preprocessing}
    assert_steps_state_their_columns(document, series)


def changed(path: Path, folder: Path, change: Callable[[Document], object]) -> Path:
    """Return the file of a pipeline with a change."""
    document = json.loads(path.read_bytes())
    change(document)
    made = folder / "target.json"
    made.write_text(json.dumps(document))
    return made


def step_of(document: Document, name: str) -> Document:
    found: Document
    (found,) = (step for step in document["preprocessing"] if step["step"] == name)
    return found


def without_column(name: str, document: dict[str, Any]) -> None:
    document["columns"].remove(name)


def without_step(place: int, document: dict[str, Any]) -> None:
    document["preprocessing"].pop(place)


@pytest.mark.parametrize("kind", AS_DATA)
def test_a_pipeline_without_one_of_its_columns_is_refused(
    kind: str, documents: Mapping[str, Path], tmp_path: Path
) -> None:
    columns = json.loads(documents[kind].read_bytes())["columns"]
    assert len(columns) > 3
    for name in columns:
        path = changed(documents[kind], tmp_path, partial(without_column, name))
        with pytest.raises(ModelError, match=rf"^has no column '{name}' for preprocessing\.\d+\.\w+; there "):
            load(path)


@pytest.mark.parametrize("kind", AS_DATA)
def test_a_pipeline_without_one_of_its_steps_is_refused_or_answers(
    kind: str, documents: Mapping[str, Path], series: Series, tmp_path: Path
) -> None:
    """No request fails by a column that is missing, whichever step is left out."""
    steps = len(json.loads(documents[kind].read_bytes())["preprocessing"])
    faults = []
    for place in range(steps):
        path = changed(documents[kind], tmp_path, partial(without_step, place))
        try:
            model = load(path)
        except ModelError as error:
            faults.append(str(error))
            continue
        with suppress(InputError):
            model.predict(series.tensors())
    assert all(fault.startswith("has no column '") for fault in faults)
    # Steps that add columns.
    assert 5 <= len(faults) < steps


@pytest.mark.parametrize(
    ("step", "key"),
    [
        ("FlatlineChecker", "column"),
        ("LagsAdder", "target"),
        ("WindPowerFeatureAdder", "speed"),
        ("RadiationDerivedFeaturesAdder", "radiation"),
    ],
)
def test_a_step_that_names_a_column_that_is_not_there_is_refused(
    step: str, key: str, documents: Mapping[str, Path], tmp_path: Path
) -> None:
    path = changed(
        documents["gblinear"], tmp_path, lambda document: step_of(document, step).update({key: "other"})
    )
    fault = rf"^has no column 'other' for preprocessing\.\d+\.{step}; there are '\w+'(, '\w+')+$"
    with pytest.raises(ModelError, match=fault):
        load(path)


def test_an_error_says_what_a_step_may_use(documents: Mapping[str, Path], tmp_path: Path) -> None:
    document = json.loads(documents["gblinear"].read_bytes())
    inputs = ", ".join(map(repr, sorted(document["columns"])))
    place = [step["step"] for step in document["preprocessing"]].index("LagsAdder")
    document["preprocessing"][place]["target"] = "other"
    path = tmp_path / "target.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ModelError) as refused:
        load(path)
    assert str(refused.value) == (
        f"has no column 'other' for preprocessing.{place}.LagsAdder; there are {inputs}"
    )


def test_columns_that_are_removed_are_not_there(
    documents: Mapping[str, Path], series: Series, tmp_path: Path
) -> None:
    def remove(name: str) -> Path:
        step = {"step": "EmptyFeatureRemover", "removed": [name, name]}
        return changed(documents["gblinear"], tmp_path, lambda made: made["preprocessing"].append(step))

    expected = load(documents["gblinear"]).predict(series.tensors())
    answer = load(remove("load")).predict(series.tensors())
    assert answer["quantile_P50"].tobytes() == expected["quantile_P50"].tobytes()
    with pytest.raises(ModelError, match=r"^has no column 'windspeed' for forecaster; there are "):
        load(remove("windspeed"))


@pytest.mark.parametrize(
    ("step", "change", "fault"),
    [
        ("Scaler", {"scale": {}}, r"Scaler: mean and scale are not of the same columns$"),
        ("WindPowerFeatureAdder", {"reference_height": 0}, r"height: Input should be greater than 0$"),
        ("WindPowerFeatureAdder", {"hub_height": -1}, r"hub_height: Input should be greater than or equal"),
        ("HolidayFeatureAdder", {"country": "XX"}, "^has the country XX, which the package of holidays"),
    ],
)
def test_a_step_that_could_not_answer_any_request_is_refused(
    step: str, change: Document, fault: str, documents: Mapping[str, Path], tmp_path: Path
) -> None:
    path = changed(documents["xgboost"], tmp_path, lambda document: step_of(document, step).update(change))
    with pytest.raises(ModelError, match=fault):
        load(path)


def test_an_error_names_some_of_very_many_columns() -> None:
    document = PipelineDocument(
        columns=tuple(f"c{number:02}" for number in range(60)),
        preprocessing=(Lags(target="other", lags=()),),
        forecaster=LinearForecaster(columns=("c00",), weights=((1.0,),), intercepts=(0.0,), target=None),
        quantiles={"quantile_P50": 0.5},
        is_sorted=True,
        cutoff=0,
    )
    with pytest.raises(ModelError, match=r"there are 'c00', .*, 'c49' and 10 more$"):
        PipelineModel(document)


def test_a_step_for_the_weights_of_the_training_has_no_form_as_data(series: Series) -> None:
    """Documents do not have the column of the weights, which a forecast does not use."""
    model = new_model("gblinear")
    steps = model.preprocessing.transforms
    steps.insert(len(steps) - 2, OutlierHandler(selection=Include("sample_weight")))
    model.fit(series.data)
    fault = (
        r"^has no column 'sample_weight' for preprocessing\.\d+\.OutlierHandler; there are .*; keep the pipe"
    )
    with pytest.raises(ModelError, match=fault):
        as_json(model)
