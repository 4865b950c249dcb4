"""Pipelines that are older than this year's names of holidays."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest import mock

import joblib
import numpy as np
import pandas as pd
import pytest
from openstef_core.datasets import TimeSeriesDataset
from openstef_models.presets.forecasting_workflow import LocationConfig
from openstef_models.transforms.general import Scaler, Selector
from openstef_models.transforms.time_domain import HolidayFeatureAdder, holiday_features_adder
from openstef_models.transforms.validation import InputConsistencyChecker
from openstef_models.utils.feature_selection import FeatureSelection

from bluegrid_openstef import training_holidays
from bluegrid_openstef.converter import as_json
from bluegrid_openstef.file_type import TYPE
from bluegrid_openstef.json_plugin import load as load_json
from bluegrid_openstef.plugin import load
from tests.integration.openstef.inside.pipelines import AS_DATA, QUANTILES, Series, new_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bluegrid_openstef.storage import BluegridStorage

BOOSTERS = ("xgboost", "gblinear", "lgbm", "lgbmlinear")
NAMES = [f"quantile_P{round(each * 100)}" for each in QUANTILES]
THEN, NOW = 2027, 2028
"""In 2028 the names of Great Britain lack two holidays of 2022."""
ONCE = {
    "is_platinum_jubilee_of_elizabeth_ii",
    "is_state_funeral_of_queen_elizabeth_ii",
    "is_coronation_of_charles_iii",
}
"""Without them, the names of 2027 are those of 2021."""


@contextmanager
def in_year(year: int) -> Iterator[None]:
    """Set the year that OpenSTEF and the plug-in see, as in a new process."""
    clock = mock.Mock(wraps=datetime, now=lambda tz: datetime(year, 6, 1, tzinfo=tz))
    with ExitStack() as stack:
        for module in (holiday_features_adder, training_holidays):
            stack.enter_context(mock.patch.object(module, "datetime", clock))
        stack.callback(holiday_features_adder.get_holiday_names.cache_clear)
        holiday_features_adder.get_holiday_names.cache_clear()
        yield


@pytest.fixture(scope="module")
def christmas(series: Series) -> Series:
    """A series that ends with the holidays of 2027."""
    data = series.data.data.copy()
    data.index = pd.date_range(end="2027-12-28", periods=len(data), freq="h", tz="UTC", name="timestamp")
    return Series(TimeSeriesDataset(data, timedelta(hours=1)))


@pytest.fixture(scope="module")
def british(christmas: Series, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The files of pipelines that were trained then, by kind."""
    folder = tmp_path_factory.mktemp("british")
    with in_year(THEN):
        for kind in BOOSTERS:
            model = new_model(kind, location=LocationConfig(country_code="GB"))
            if kind == "gblinear":  # its preset has no holidays
                steps = [*model.preprocessing.transforms]
                place = next(place for place, step in enumerate(steps) if isinstance(step, Scaler))
                steps.insert(place, HolidayFeatureAdder(country_code="GB"))
                model.preprocessing.transforms = steps
            model.fit(christmas.data)
            joblib.dump(model, folder / f"{kind}.joblib")
    return {kind: folder / f"{kind}.joblib" for kind in BOOSTERS}


def predicted(path: Path, christmas: Series) -> Any:
    """Return what OpenSTEF itself predicts."""
    return joblib.load(path).predict(christmas.recent, christmas.start.to_pydatetime()).data


def assert_the_same(answer: Mapping[str, Any], expected: Any) -> None:
    for name in NAMES:
        assert answer[name].tobytes() == expected[name].to_numpy(np.float64).tobytes(), name


@pytest.mark.parametrize("kind", BOOSTERS)
def test_a_later_year_changes_no_forecast(kind: str, british: Mapping[str, Path], christmas: Series) -> None:
    with in_year(THEN):
        expected = predicted(british[kind], christmas)
    with in_year(NOW):
        with pytest.raises(Exception, match=r"(?i)feature|columns"):
            predicted(british[kind], christmas)
        assert_the_same(load(british[kind], TYPE.trusted).predict(christmas.tensors()), expected)


@pytest.mark.parametrize("kind", AS_DATA)
def test_a_later_year_changes_no_pipeline_as_data(
    kind: str, british: Mapping[str, Path], christmas: Series, tmp_path: Path
) -> None:
    with in_year(THEN):
        then, expected = as_json(joblib.load(british[kind])), predicted(british[kind], christmas)
    with in_year(NOW):
        assert as_json(joblib.load(british[kind])) == then
    (tmp_path / "target.json").write_bytes(then)
    assert_the_same(load_json(tmp_path / "target.json").predict(christmas.tensors()), expected)


def test_a_step_whose_names_no_year_has_stays_openstefs(british: Mapping[str, Path]) -> None:
    model = joblib.load(british["xgboost"])
    before = [*model.preprocessing.transforms]
    with in_year(THEN + training_holidays._OLDEST):
        training_holidays.keep_holidays_of_training(model)
    assert [*model.preprocessing.transforms] == before
    assert HolidayFeatureAdder in {type(step) for step in before}


def test_names_that_a_later_step_removes_are_not_taken_for_those_of_another_year(christmas: Series) -> None:
    with in_year(THEN):
        model = new_model("xgboost", location=LocationConfig(country_code="GB"))
        steps = [*model.preprocessing.transforms]
        place = next(place for place, step in enumerate(steps) if type(step) is HolidayFeatureAdder)
        steps.insert(place + 1, Selector(selection=FeatureSelection(exclude=ONCE)))
        model.preprocessing.transforms = steps
        model.fit(christmas.data)
        training_holidays.keep_holidays_of_training(model)
    assert [*model.preprocessing.transforms] == steps


def test_a_column_of_the_series_is_not_taken_for_a_holiday_of_the_training(christmas: Series) -> None:
    name = "is_coronation_of_charles_iii"
    data = TimeSeriesDataset(christmas.data.data.assign(**{name: 0.0}), timedelta(hours=1))
    with in_year(THEN):
        model = new_model("xgboost", location=LocationConfig(country_code="GB"))
        steps = [*model.preprocessing.transforms]
        place = next(place for place, step in enumerate(steps) if type(step) is HolidayFeatureAdder)
        steps.insert(place, Selector(selection=FeatureSelection(exclude={name})))
        model.preprocessing.transforms = steps
        model.fit(data)
        training_holidays.keep_holidays_of_training(model)
    assert [*model.preprocessing.transforms] == steps


@pytest.mark.parametrize("kind", AS_DATA)
def test_a_converted_model_can_still_be_saved(kind: str, british: Mapping[str, Path], tmp_path: Path) -> None:
    model = joblib.load(british[kind])
    with in_year(THEN):
        as_json(model)
    joblib.dump(model, tmp_path / "target.joblib")
    load(tmp_path / "target.joblib", TYPE.trusted)


def test_a_stored_model_of_last_year_can_be_compared_with_a_new_one_and_saved_again(
    british: Mapping[str, Path], christmas: Series, storage: BluegridStorage, tmp_path: Path
) -> None:
    with in_year(THEN):
        expected = predicted(british["xgboost"], christmas)
    with storage:
        run = storage.create_run("feeder", tags={}).info.run_id
        storage.save_run_model("feeder", run, joblib.load(british["xgboost"]))
        storage.finalize_run("feeder", run, metrics={})
    with in_year(NOW):
        stored: Any = storage.load_run_model(run, "feeder")
        answer = stored.predict(christmas.recent, christmas.start.to_pydatetime()).data
        assert answer[NAMES].equals(expected[NAMES])
        joblib.dump(stored, tmp_path / "feeder.joblib")
        again = load(tmp_path / "feeder.joblib", TYPE.trusted)
        assert_the_same(again.predict(christmas.tensors()), expected)


def test_a_model_that_does_not_know_its_columns_stays_as_it_is(british: Mapping[str, Path]) -> None:
    model = joblib.load(british["xgboost"])
    steps = [each for each in model.preprocessing.transforms if not isinstance(each, InputConsistencyChecker)]
    model.preprocessing.transforms = steps
    with in_year(NOW):
        training_holidays.keep_holidays_of_training(model)
    assert [*model.preprocessing.transforms] == steps
