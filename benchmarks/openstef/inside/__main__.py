"""Answers lines of JSON on stdin, `{"step": NAME, …}`, each with a line on stdout."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from pathlib import Path
from typing import Any

import orjson

from benchmarks.openstef.inside import cost
from benchmarks.openstef.inside.pipelines import Pipelines, forecast, forecast_as_data
from benchmarks.openstef.inside.storages import AsData, Bluegrid, MLflow
from examples.openstef.training import new_workflow, request_for


class Steps:
    """What can be asked for; pipelines are kept from one step to the next.

    Args:
        folder: for files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pipelines: dict[str, Pipelines] = {}

    def train(self, kind: str, count: int, targets: int) -> dict[str, Any]:
        """Train pipelines of a kind, and give them the names of targets."""
        self._pipelines[kind] = Pipelines.train(kind, count, targets)
        return {}

    def publish(
        self, kind: str, storage: dict[str, str], night: str, targets: int, files: str
    ) -> dict[str, Any]:
        """Store models of the first targets as OpenSTEF's callback does, with these files."""
        models = self._pipelines[kind].first(targets).named(night)
        return {"seconds": self._storage(storage).publish(models, files)}

    def push(self, kind: str, storage: dict[str, str], night: str, targets: int) -> dict[str, Any]:
        """Push models of the first targets as a version of this name."""
        models = self._pipelines[kind].first(targets).named(night)
        seconds, report = self._bluegrid(**storage).push(models, night)
        return {"seconds": seconds, "manifest": report.manifest, "bytes": report.sent_bytes}

    def load(self, kind: str, storage: dict[str, str], targets: int) -> dict[str, Any]:
        """Load the newest models of the first targets, and forecast those that differ."""
        chosen = self._pipelines[kind].first(targets)
        unfitted = new_workflow("unfitted", kind, None).model
        seconds, loading, models = self._storage(storage).load(chosen.named("any"), unfitted)
        forecasts = {uid: forecast(models[uid], each) for uid, each in chosen.unlike().items()}
        return {"seconds": seconds, "loading": loading, "forecasts": forecasts}

    def push_data(self, kind: str, storage: dict[str, str], night: str, targets: int) -> dict[str, Any]:
        """Push pipelines of the first targets as data."""
        chosen = self._pipelines[kind].first(targets)
        self._as_data(**storage).push([each.model for each in chosen.trained], chosen.uids, night)
        return {}

    def load_data(self, kind: str, storage: dict[str, str], targets: int) -> dict[str, Any]:
        """Load pipelines of the first targets as data, and forecast with those that differ."""
        chosen = self._pipelines[kind].first(targets)
        seconds, models = self._as_data(**storage).load()
        forecasts = {uid: forecast_as_data(models[uid], each) for uid, each in chosen.unlike().items()}
        return {"seconds": seconds, "forecasts": forecasts}

    def cost(self, kind: str, forecasts: int) -> dict[str, Any]:
        """Measure forecasts of a kind."""
        unlike = self._pipelines[kind].unlike()
        models = {uid: each.model for uid, each in unlike.items()}
        cost.cpu_seconds(models, unlike, 1)
        return {
            "seconds": cost.cpu_seconds(models, unlike, forecasts),
            "shares": cost.shares(models, unlike),
        }

    def write_request(self, kind: str, forecasts: int, file: str) -> dict[str, Any]:
        """Write the body of a request for the forecasts of the first targets."""
        chosen = self._pipelines[kind].first(forecasts)
        requests = [
            {"model_name": uid, **request_for(chosen.of(number).recent)}
            for number, uid in enumerate(chosen.uids)
        ]
        Path(file).write_bytes(orjson.dumps({"requests": requests}))
        return {}

    def _storage(self, where: dict[str, str]) -> MLflow | Bluegrid:
        return MLflow(where["uri"], self._folder / "staging") if "uri" in where else self._bluegrid(**where)

    def _bluegrid(self, address: str, registry: str) -> Bluegrid:
        return Bluegrid(address, self._folder / registry)

    def _as_data(self, address: str, registry: str) -> AsData:
        return AsData(address, self._folder / registry)


def main() -> None:
    """Answer until there are no more lines; what libraries print goes to standard error."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    answers, sys.stdout = sys.stdout, sys.stderr
    steps = Steps(Path(sys.argv[1]))
    for line in sys.stdin:
        request = json.loads(line)
        answer = getattr(steps, request.pop("step"))(**request)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
