"""The requests of a load: bodies prepared beforehand, with the answer that each version must give."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError
from yarl import URL

from tools.load.errors import LoadError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SHUFFLE_SEED = 1


class RequestFile(BaseModel):
    """Inputs of each model, and each version's answers to them in the same order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: dict[str, list[list[float]]]
    answers: dict[str, dict[str, list[float]]]


@dataclass(frozen=True)
class Request:
    """One prediction; `answers` maps a version to the value that it must return."""

    uid: str
    url: URL
    body: bytes
    answers: Mapping[str, float]


def read_requests(path: Path, url: str, service: str) -> list[Request]:
    """Prepare every request of the file, shuffled with a fixed seed.

    Args:
        path: a `RequestFile`.
        url: where the service is reached, without a path: `http://10.77.0.2`.
        service: its name.

    Raises:
        LoadError: the file cannot be read, is not a `RequestFile`, or holds no request.
    """
    try:
        file = RequestFile.model_validate_json(path.read_bytes())
        requests = [
            Request(
                uid,
                _infer_url(url, service, uid),
                _body(inputs),
                {version: answers[uid][row] for version, answers in file.answers.items() if uid in answers},
            )
            for uid, rows in file.inputs.items()
            for row, inputs in enumerate(rows)
        ]
    except OSError as error:
        raise LoadError(
            f"{path}: {error.strerror}: make it with python -m bluegrid.tour.line_loading"
        ) from error
    except (ValidationError, IndexError) as error:
        reason = str(error).splitlines()[0]
        raise LoadError(f"{path}: not a file of requests and answers: {reason}: generate it again") from error
    if not requests:
        raise LoadError(f"{path}: has no requests: generate it again")
    random.Random(SHUFFLE_SEED).shuffle(requests)  # noqa: S311 - an order, not a secret
    return requests


def _infer_url(url: str, service: str, uid: str) -> URL:
    path = f"/modelService/{quote(service, safe='')}/v2/models/{quote(uid, safe='')}/infer"
    return URL(url.rstrip("/") + path, encoded=True)


def _body(inputs: list[float]) -> bytes:
    tensor = {"name": "x", "shape": [1, len(inputs)], "datatype": "FP64", "data": inputs}
    return orjson.dumps({"inputs": [tensor]})
