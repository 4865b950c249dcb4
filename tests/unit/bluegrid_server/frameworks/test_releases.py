"""Models of older releases of scikit-learn answer as they did there, or are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bluegrid_registry import ModelError, ModelType
from bluegrid_registry.model_types import pickle_scan
from bluegrid_server.frameworks.scikit_learn import other_releases
from bluegrid_server.frameworks.supported import loader_of
from bluegrid_server.models.trial import try_out
from tests.support import scikit_learn_releases

if TYPE_CHECKING:
    from bluegrid_server.frameworks.model import Model

FOLDER = Path(scikit_learn_releases.__file__).parent
JOBLIB = ModelType.parse("scikit-learn/joblib")
ANSWERS: dict[str, Any] = json.loads((FOLDER / "answers.json").read_text())
ROWS = np.array(ANSWERS["rows"])


def loaded(name: str) -> Model:
    (path,) = FOLDER.glob(f"{name}-*.joblib")
    return loader_of(JOBLIB, pickle_scan.globals_of(path.read_bytes()))(path)


@pytest.mark.served(
    "scikit-learn", "models of older releases that answer as before, with a warning in the log"
)
@pytest.mark.parametrize(("name", "written"), [("bayes", "1.2.2"), ("search", "1.7.2"), ("trees", "1.8.0")])
def test_a_model_of_an_older_release_answers_as_there(
    name: str, written: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other_releases._log.cache_clear()
    model: Any = loaded(name)
    assert model.predict({"x": ROWS})["y"].tolist() == ANSWERS[name]["predict"]
    got = model.on_request({"x": ROWS}, ["probability"])["probability"]
    assert got == pytest.approx(np.array(ANSWERS[name]["predict_proba"]), rel=1e-9)
    (message,) = capsys.readouterr().out.splitlines()
    assert f"written={written}" in message


@pytest.mark.not_served(
    "scikit-learn",
    "models of older releases that would answer otherwise, such as classifying trees of before 1.4",
    "the framework itself reads them without an error; fit them with the image's release",
)
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (
            "forest",
            r"1\.3\.2, and would answer .*: a DecisionTreeClassifier counts samples, where shares are",
        ),
        (
            "pls",
            r"1\.4\.2, and would answer .*: the coefficients of a PLSRegression were for scaled inputs; fit",
        ),
        ("adaboost", r"1\.5\.2, and would answer .*: an AdaBoostClassifier was fitted by SAMME\.R, which is"),
        (
            "votes",
            r"1\.7\.2, and would answer .*: the probabilities of a LogisticRegression were computed in",
        ),
    ],
)
def test_a_model_that_would_answer_otherwise_is_refused(name: str, reason: str) -> None:
    with pytest.raises(ModelError, match=rf"^was written by scikit-learn {reason}"):
        loaded(name)


def test_only_the_probabilities_are_left_out_if_only_they_would_differ() -> None:
    model = loaded("logistic")
    assert [spec.name for spec in model.outputs] == ["y", "score"]
    assert model.predict({"x": ROWS})["y"].tolist() == ANSWERS["logistic"]["predict"]


def test_a_model_that_this_release_does_not_read_is_refused() -> None:
    with pytest.raises(ModelError, match=r"^is no pickle that this image reads .*; save it with the image's"):
        loaded("boosted")


def test_a_model_that_lacks_an_attribute_of_this_release_fails_its_trial() -> None:
    with pytest.raises(ModelError, match="'SimpleImputer' object has no attribute '_fill_dtype'"):
        try_out(loaded("imputer"))


def test_a_model_that_lacks_a_parameter_of_this_release_is_refused_in_its_words() -> None:
    with pytest.raises(ModelError, match="'SplineTransformer' object has no attribute 'handle_missing'"):
        try_out(loaded("splines"))


def test_a_package_that_the_image_does_not_have_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"ccategory_of_none\nEncoder\n.")
    with pytest.raises(ModelError, match=r"^needs category_of_none, which this image does not have; use an"):
        loader_of(JOBLIB, ["category_of_none.Encoder"])(path)
