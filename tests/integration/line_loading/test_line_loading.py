"""The models of the IEEE 118-bus network: complete, as they were trained, and the same in every run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bluegrid.tour.line_loading.network import RATING_MARGIN, Network
from bluegrid.tour.line_loading.operating_points import WINTER, sample
from bluegrid.tour.line_loading.skops_bytes import skops_bytes
from bluegrid.tour.line_loading.training import UPDATED_UID, train

if TYPE_CHECKING:
    from pathlib import Path

UIDS = {f"line-{i}" for i in range(173)} | {f"trafo-{i}" for i in range(13)}
FLOWS = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "models"
    train(folder, lambda what, done, total: None, FLOWS)
    return folder


@pytest.fixture(scope="module")
def requests(folder: Path) -> Any:
    return json.loads((folder / "requests.json").read_text())


def models_in(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.skops")}


@pytest.mark.parametrize("version", ["v1", "v2", "v4"])
def test_a_version_has_a_model_and_examples_for_every_branch(folder: Path, version: str) -> None:
    assert models_in(folder / version) == UIDS
    assert json.loads((folder / version / "examples.json").read_text()).keys() == UIDS


def test_v3_holds_only_the_model_that_it_updates(folder: Path) -> None:
    assert models_in(folder / "v3") == {UPDATED_UID}
    assert json.loads((folder / "v3" / "examples.json").read_text()).keys() == {UPDATED_UID}


@pytest.mark.parametrize("version", ["v1", "v2", "v3", "v4"])
def test_a_loaded_model_reproduces_its_examples_and_answers(
    folder: Path, requests: Any, version: str
) -> None:
    examples = json.loads((folder / version / "examples.json").read_text())
    for uid in sorted(examples)[::30]:
        path = folder / version / f"{uid}.skops"
        assert skops.io.get_untrusted_types(file=path) == []
        model, example = skops.io.load(path), examples[uid]
        assert model.predict(example["inputs"]) == pytest.approx(
            example["outputs"], rel=example["rtol"], abs=example["atol"]
        )
        answers = requests["answers"][version][uid]
        assert model.predict(requests["inputs"][uid]) == pytest.approx(answers, rel=1e-9)


def test_v1_v2_and_v4_can_be_told_by_the_value_of_any_model(requests: Any) -> None:
    answers = [
        np.array([requests["answers"][version][uid] for uid in sorted(UIDS)])
        for version in ("v1", "v2", "v4")
    ]
    for one, other in [(0, 1), (0, 2), (1, 2)]:
        differences = np.abs(answers[one] / answers[other] - 1)
        assert (differences > 1e-5).any(axis=1).all()


def test_v3_answers_like_v2_but_for_its_one_model(requests: Any) -> None:
    v2, v3 = requests["answers"]["v2"], requests["answers"]["v3"]
    assert {uid for uid in UIDS if v2[uid] != v3[uid]} == {UPDATED_UID}


def test_equal_models_have_equal_bytes() -> None:
    one, other = a_model(), a_model()
    assert skops.io.dumps(one) != skops.io.dumps(other)
    assert skops_bytes(one) == skops_bytes(other)


def a_model() -> Any:
    rng = np.random.default_rng(1)
    points = rng.normal(size=(20, 4))
    return make_pipeline(StandardScaler(), RidgeCV((0.1, 1.0))).fit(points, points.sum(axis=1))


def test_the_same_seed_gives_the_same_operating_points() -> None:
    one, other = (sample(Network(), WINTER, 2, np.random.default_rng(5), lambda: None) for _ in range(2))
    assert np.array_equal(one.points, other.points)
    assert np.array_equal(one.loading_percent, other.loading_percent)


def test_no_branch_is_loaded_beyond_its_rating_in_the_base_case() -> None:
    network = Network()
    base = network.currents_ka(network.load_mw, network.load_mvar, network.generation_mw)
    ratings = np.array([branch.rating_ka for branch in network.branches])
    assert (base > 0).all()
    assert (base / ratings <= 1 / RATING_MARGIN + 1e-9).all()


def test_what_is_there_already_is_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(FileExistsError, match=r"is there already: remove it or name another$"):
        train(tmp_path, lambda what, done, total: None, FLOWS)


def test_an_interrupted_training_leaves_no_folder_that_looks_whole(tmp_path: Path) -> None:
    def interrupt(what: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "models", interrupt, FLOWS)
    assert not (tmp_path / "models").exists()
