"""What a pod answers with a pipeline of OpenSTEF, compared with what OpenSTEF itself predicts."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pytest
from openstef_models.transforms.validation import InputConsistencyChecker

from bluegrid_openstef.converter import as_json
from bluegrid_openstef.file_type import TYPE
from bluegrid_openstef.json_plugin import load as load_json
from bluegrid_openstef.plugin import PLUGIN, load
from bluegrid_registry import (
    FormatError,
    ModelError,
    ModelType,
    Source,
    models_in_folder,
    open_store,
    push,
)
from bluegrid_server.frameworks import InputError
from tests.integration.openstef.inside.pipelines import KINDS, QUANTILES, STEPS, Series, new_model

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAMES = [f"quantile_P{round(each * 100)}" for each in QUANTILES]


def predicted(path: Path, series: Any, start: Any) -> Any:
    """Return what OpenSTEF predicts, from the model that OpenSTEF loads."""
    return joblib.load(path).predict(series, forecast_start=start.to_pydatetime()).data


def the_same(answer: Mapping[str, Any], expected: Any) -> bool:
    """Return whether times and quantiles are equal to the bit."""
    return (answer["time"] == expected.index.as_unit("s").asi8).all() and all(
        answer[name].dtype == np.float64
        and answer[name].tobytes() == expected[name].to_numpy(np.float64).tobytes()
        for name in NAMES
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_forecast_is_openstefs_to_the_bit(kind: str, files: Mapping[str, Path], series: Series) -> None:
    model = load(files[kind], TYPE.trusted)
    expected = predicted(files[kind], series.recent, series.start)
    answer = model.predict(series.tensors())
    assert the_same(answer, expected)
    assert len(expected) >= STEPS
    assert not np.isnan(answer["quantile_P50"]).any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_preset_needs_no_trust(kind: str, files: Mapping[str, Path]) -> None:
    data = files[kind].read_bytes()
    TYPE.check(data)
    assert TYPE.names_in is not None
    assert TYPE.names_in(data) <= TYPE.trusted


def test_the_kind_of_a_model_is_its_forecaster(files: Mapping[str, Path]) -> None:
    assert TYPE.estimators_in is not None
    found = {kind: TYPE.estimators_in(path.read_bytes()) for kind, path in files.items()}
    assert all(len(forecasters) == 1 for forecasters in found.values())
    assert len({*found.values()}) == len(KINDS)


@pytest.mark.parametrize("kind", ["xgboost", "gblinear", "lgbm"])
def test_a_missing_value_is_missing_for_openstef_too(
    kind: str, files: Mapping[str, Path], series: Series
) -> None:
    recent = series.recent
    gap = recent.data.copy()
    gap.iloc[5:9, gap.columns.get_loc("windspeed")] = np.nan
    gap.loc[gap.index >= series.start, "load"] = np.nan
    inputs = series.tensors(windspeed=gap["windspeed"].to_numpy(), load=gap["load"].to_numpy())
    expected = predicted(files[kind], recent.copy_with(data=gap), series.start)
    assert the_same(load(files[kind], TYPE.trusted).predict(inputs), expected)


def test_inputs_are_the_columns_of_the_training(files: Mapping[str, Path], series: Series) -> None:
    model = load(files["xgboost"], TYPE.trusted)
    assert [each.name for each in model.inputs] == ["time", *series.data.data.columns, "forecast_start"]
    assert [each.name for each in model.outputs] == ["time", *NAMES]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"windspeed": np.zeros(3)}, r"^windspeed has 3 values, time has \d+$"),
        ({"time": np.zeros(384, dtype=np.int64)}, "^time needs two times or more, each later than the one"),
    ],
)
def test_what_is_not_a_series_is_refused(
    changed: Mapping[str, Any], fault: str, files: Mapping[str, Path], series: Series
) -> None:
    inputs = {**series.tensors(), **changed}
    inputs = {name: each if name in changed else each[:384] for name, each in inputs.items()}
    with pytest.raises(InputError, match=fault):
        load(files["gblinear"], TYPE.trusted).predict(inputs)


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"windspeed": np.nan}, "no step can be forecast: a feature is missing in each of them"),
        ({"forecast_start": 1}, "forecast_start is later than each time"),
    ],
)
def test_a_series_without_a_forecast_is_refused_in_both_forms(
    changed: Mapping[str, float], fault: str, files: Mapping[str, Path], series: Series, tmp_path: Path
) -> None:
    inputs = series.tensors()
    bases = {"windspeed": 0 * inputs["windspeed"], "forecast_start": inputs["time"][-1:]}
    inputs = {**inputs, **{name: bases[name] + value for name, value in changed.items()}}
    (tmp_path / "target.json").write_bytes(as_json(joblib.load(files["gblinear"])))
    for model in (load(files["gblinear"], TYPE.trusted), load_json(tmp_path / "target.json")):
        with pytest.raises(InputError, match=fault):
            model.predict(inputs)


def test_a_pipeline_that_does_not_know_its_columns_is_refused(
    files: Mapping[str, Path], tmp_path: Path
) -> None:
    model = joblib.load(files["lgbm"])
    steps = model.preprocessing.transforms
    model.preprocessing.transforms = [each for each in steps if not isinstance(each, InputConsistencyChecker)]
    joblib.dump(model, tmp_path / "target.joblib")
    with pytest.raises(ModelError, match="does not know its columns: put an InputConsistencyChecker"):
        load(tmp_path / "target.joblib", TYPE.trusted)


_COUNT = """
import os, sys
from pathlib import Path
from bluegrid_openstef.file_type import TYPE
from bluegrid_openstef.plugin import load
before = len(os.listdir("/proc/self/task"))
load(Path(sys.argv[1]), TYPE.trusted)
assert "openstef_models" in sys.modules
print(len(os.listdir("/proc/self/task")) - before)
"""


@pytest.mark.parametrize("kind", ["xgboost", "lgbm"])
def test_loading_starts_no_thread(kind: str, files: Mapping[str, Path]) -> None:
    """The preflight refuses a plug-in whose models outlive a fork, and start threads that stay."""
    done = subprocess.run(
        [sys.executable, "-c", _COUNT, files[kind]], capture_output=True, text=True, check=True
    )
    assert done.stdout == "0\n"


def test_a_loaded_model_answers_after_a_fork(files: Mapping[str, Path], series: Series) -> None:
    assert PLUGIN.outlives_fork
    model = load(files["xgboost"], TYPE.trusted)
    expected = model.predict(series.tensors())["quantile_P50"]
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writing, model.predict(series.tensors())["quantile_P50"].tobytes())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        assert answer.read() == expected.tobytes()
    assert os.waitpid(child, 0)[1] == 0


class Named:
    """An object whose pickle calls a function."""

    def __init__(self, *call: Any) -> None:
        self._call = call

    def __reduce__(self) -> Any:
        return self._call[0], self._call[1:]


def test_a_file_that_names_anything_else_is_refused(files: Mapping[str, Path], tmp_path: Path) -> None:
    models, store, marked = tmp_path / "models", tmp_path / "store", tmp_path / "marked"
    models.mkdir()
    store.mkdir()
    path = models / "target.joblib"
    joblib.dump([joblib.load(files["gblinear"]), Named(os.mkdir, str(marked))], path)
    with pytest.raises(ModelError, match=r"names posix\.mkdir, which is not allowed"):
        load(path, TYPE.trusted)
    with pytest.raises(FormatError, match=r"model target: names what is not trusted: posix\.mkdir"):
        push(
            open_store(store.as_uri()),
            "g1",
            "v1",
            models_in_folder(models, TYPE),
            model_type=TYPE,
            source=Source.PLATFORM,
        )
    assert not marked.exists()


def test_an_attribute_is_looked_up_only_where_openstef_does(
    files: Mapping[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "target.joblib"
    joblib.dump([joblib.load(files["gblinear"]), Named(getattr, dict, "fromkeys")], path)
    assert TYPE.names_in is not None
    with pytest.raises(ModelError, match="looks up the attribute 'fromkeys'"):
        load(path, TYPE.trusted | {"builtins.dict"})


def test_what_is_no_fitted_model_is_refused(files: Mapping[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "target.joblib"
    joblib.dump(new_model("gblinear"), path)
    with pytest.raises(ModelError, match="is not fitted; fit it"):
        load(path, TYPE.trusted)
    joblib.dump([joblib.load(files["gblinear"])], path)
    with pytest.raises(ModelError, match="is a pickled list, not a forecasting model"):
        load(path, TYPE.trusted)


def test_another_pickle_is_of_another_type() -> None:
    assert ModelType.parse("openstef/joblib") is TYPE
    with pytest.raises(FormatError, match=r"^is a joblib pickle, not a forecasting model of OpenSTEF"):
        TYPE.check(pickle.dumps({"a": 1}))
