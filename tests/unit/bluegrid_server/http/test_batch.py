"""Many models in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bluegrid_server.engine import steps
from tests.support.pods import BASE, tensor

if TYPE_CHECKING:
    from tests.support.pods import Client, Trained

BATCH = f"{BASE}/models:batchInfer"


@pytest.mark.parametrize("seconds", [0.0, 60.0], ids=["in steps of one request", "in one step"])
def test_answers_stand_in_the_order_of_the_requests(
    served: Client, trained: Trained, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.setattr(steps, "_STEP_SECONDS", seconds)
    uids = ["trafo-1", "line-2", "line-1"] * 20
    requests = [{"model_name": uid, "id": str(i), **tensor()} for i, uid in enumerate(uids)]
    responses = served.post(BATCH, json={"requests": requests}).json()["responses"]
    assert [(each["model_name"], each["id"]) for each in responses] == [
        (uid, str(i)) for i, uid in enumerate(uids)
    ]
    described = {uid: served.get(f"{BASE}/models/{uid}").json()["parameters"] for uid in set(uids)}
    for each in responses:
        assert each["outputs"][0]["data"] == pytest.approx(trained.predictions[each["model_name"]])
        assert each["parameters"]["digest"] == described[each["model_name"]]["digest"]


def test_a_wrong_request_leaves_the_others_alone(served: Client) -> None:
    requests = [
        {"model_name": "line-9", "id": "a", **tensor()},
        {"model_name": "line-1", **tensor(shape=[2, 4])},
        {"model_name": "line-1", **tensor()},
    ]
    got = served.post(BATCH, json={"requests": requests})
    assert got.status_code == 200
    unknown, wrong, right = got.json()["responses"]
    assert unknown == {"model_name": "line-9", "id": "a", "error": "no model 'line-9' in this version"}
    assert wrong["error"].startswith("input 'x': expected shape [n, 3]")
    assert right.keys() == {"model_name", "parameters", "outputs"}


@pytest.mark.parametrize("body", [{}, {"requests": {}}, {"requests": [{"inputs": []}]}, {"requests": [1]}])
def test_a_batch_without_requests_is_refused(served: Client, body: object) -> None:
    got = served.post(BATCH, json=body)
    assert got.status_code == 400
    assert got.json() == {"error": "requests: expected a list of objects with model_name and inputs"}
