"""Predictions of a service, compared with the answers computed when its models were trained."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import urllib3

from bluegrid_registry import BluegridError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_SECONDS = 10.0


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


def predict(url: str, models: Path) -> Predicted:
    """Send a request to every model, then one request to all of them.

    Args:
        url: of the service.
        models: folder with the trained versions and their requests.

    Raises:
        BluegridError: a request is refused, or several versions answered.
    """
    expected = json.loads((models / "requests.json").read_text())
    inputs: dict[str, list[list[float]]] = expected["inputs"]
    versions: set[str] = set()
    with urllib3.PoolManager() as pool:

        def post(path: str, body: object) -> Any:
            try:
                answer = pool.request("POST", f"{url}/v2/{path}", json=body, timeout=_SECONDS, retries=False)
            except urllib3.exceptions.HTTPError as error:
                raise BluegridError(f"{url}/v2/{path}: {error}") from error
            if answer.status != 200:
                raise BluegridError(f"{url}/v2/{path}: status {answer.status}: {answer.data.decode()}")
            versions.add(answer.headers["Bluegrid-Version"])
            return answer.json()

        single = {
            uid: post(f"models/{quote(uid, safe='')}/infer", {"inputs": [_tensor(rows)]})
            for uid, rows in inputs.items()
        }
        requests = [{"model_name": uid, "inputs": [_tensor(rows)]} for uid, rows in inputs.items()]
        responses = post("models:batchInfer", {"requests": requests})["responses"]
    version, *others = sorted(versions)
    if others:
        raise BluegridError(f"{url}: several versions answered: {version}, {', '.join(others)}")
    answers = expected["answers"][version]
    batched = {response["model_name"]: response for response in responses}
    differences = [_difference(response, answers[uid]) for uid, response in single.items()]
    differences += [_difference(response, answers[uid]) for uid, response in batched.items()]
    return Predicted(version, len(single), len(batched), max(differences))


def _tensor(rows: Sequence[Sequence[float]]) -> dict[str, Any]:
    return {"name": "x", "shape": [len(rows), len(rows[0])], "datatype": "FP64", "data": rows}


def _difference(answer: Any, expected: Sequence[float]) -> float:
    (output,) = answer["outputs"]
    pairs = zip(output["data"], expected, strict=True)
    return max(float(abs(ours - trained) / abs(trained)) for ours, trained in pairs)
