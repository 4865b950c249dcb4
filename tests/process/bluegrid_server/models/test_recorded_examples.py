"""A pod serves a version only if its models give every recorded output, loaded at once or later."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression, Ridge

from tests.process.bluegrid_server.server_process import running, wait_until_ready
from tests.support.pods import BASE, published

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_server.settings import Settings

X = np.random.default_rng(3).normal(size=(60, 3))
DAY_AHEAD = Ridge().fit(X, X[:, :1] * np.linspace(0.5, 1.5, 96))
STATES = LogisticRegression().fit(X, np.where(X[:, 0] > 0, "trip", "ok"))
ROWS = X[:2]


def tensor(name: str, data: Any, datatype: str = "FP64") -> dict[str, Any]:
    array = np.asarray(data)
    return {"name": name, "shape": [*array.shape], "datatype": datatype, "data": array.tolist()}


def recorded() -> dict[str, Any]:
    """Return the examples of both models: 96 values a row; labels, and probabilities that are on request."""
    request = {"inputs": [tensor("x", ROWS)]}
    states = [
        tensor("y", STATES.predict(ROWS), "BYTES"),
        tensor("probability", STATES.predict_proba(ROWS)),
    ]
    return {
        "feeder/7": {"request": request, "response": {"outputs": [tensor("y", DAY_AHEAD.predict(ROWS))]}},
        "states": [{"request": request, "response": {"outputs": [output]}} for output in states],
    }


def pushed(folder: Path, examples: dict[str, Any], load: str) -> Settings:
    (folder / "in" / "feeder").mkdir(parents=True)
    skops.io.dump(DAY_AHEAD, folder / "in" / "feeder" / "7.skops")
    skops.io.dump(STATES, folder / "in" / "states.skops")
    (folder / "in" / "examples.json").write_text(json.dumps(examples))
    return published(folder, folder / "in").model_copy(update={"load": load})


@pytest.mark.parametrize("load", ["eager", "lazy"])
def test_a_version_whose_examples_reproduce_is_served(load: str, tmp_path: Path) -> None:
    with (
        running(pushed(tmp_path, recorded(), load)) as (_, port),
        httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}", timeout=60) as client,
    ):
        wait_until_ready(client)
        answer = client.post("/models/feeder%2F7/infer", json={"inputs": [tensor("x", ROWS)]}).json()
        assert answer["outputs"][0]["data"] == pytest.approx(DAY_AHEAD.predict(ROWS).reshape(-1))


@pytest.mark.parametrize("load", ["eager", "lazy"])
@pytest.mark.parametrize(
    ("uid", "number", "message"),
    [
        (
            "feeder/7",
            0,
            "model feeder/7 does not reproduce its recorded example: output 'y', row 1, column 95",
        ),
        (
            "states",
            1,
            "model states does not reproduce its recorded example 2 of 2: output 'probability', ro",
        ),
    ],
)
def test_a_version_of_which_one_value_differs_is_not(
    load: str, uid: str, number: int, message: str, tmp_path: Path
) -> None:
    examples = recorded()
    wrong = examples[uid] if isinstance(examples[uid], list) else [examples[uid]]
    wrong[number]["response"]["outputs"][0]["data"][-1][-1] += 1
    with running(pushed(tmp_path, examples, load)) as (process, _):
        assert process.wait(60) != 0
        assert process.stderr is not None
        assert message in process.stderr.read()
