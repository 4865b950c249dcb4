"""Predictions through the Ingress, compared with the answers computed when the models were trained."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from tools.demo.workspace import SERVICE, Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Predicted:
    """What the live version answered.

    Attributes:
        version: the version that every answer named.
        one_by_one: models that got a request each.
        in_one_batch: models in the one request to all.
        largest_difference: relative, between an answer and the value computed in training.
    """

    version: str
    one_by_one: int
    in_one_batch: int
    largest_difference: float


def predict(work: Workspace, models: Path) -> Predicted:
    """Send a request to every model, then one request to all of them."""
    expected = json.loads((models / "requests.json").read_text())
    inputs: dict[str, list[list[float]]] = expected["inputs"]
    url = f"{work.place.route_url}/modelService/{SERVICE}/v2"
    with httpx.Client(timeout=10) as client:
        single = {
            uid: client.post(f"{url}/models/{uid}/infer", json={"inputs": [_tensor(rows)]})
            for uid, rows in inputs.items()
        }
        requests = [{"model_name": uid, "inputs": [_tensor(rows)]} for uid, rows in inputs.items()]
        batch = client.post(f"{url}/models:batchInfer", json={"requests": requests})
    version, *others = {answer.headers["Bluegrid-Version"] for answer in (*single.values(), batch)}
    if others:
        raise ValueError(f"several versions answered: {version}, {', '.join(others)}")
    answers = expected["answers"][version]
    batched = {each["model_name"]: each for each in batch.raise_for_status().json()["responses"]}
    differences = [
        _difference(answer.raise_for_status().json(), answers[uid]) for uid, answer in single.items()
    ]
    differences += [_difference(answer, answers[uid]) for uid, answer in batched.items()]
    return Predicted(version, len(single), len(batched), max(differences))


def _tensor(rows: Sequence[Sequence[float]]) -> dict[str, Any]:
    return {"name": "x", "shape": [len(rows), len(rows[0])], "datatype": "FP64", "data": rows}


def _difference(answer: Any, expected: Sequence[float]) -> float:
    (output,) = answer["outputs"]
    pairs = zip(output["data"], expected, strict=True)
    return max(float(abs(ours - trained) / abs(trained)) for ours, trained in pairs)
