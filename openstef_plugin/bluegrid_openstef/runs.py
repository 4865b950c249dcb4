"""A training run of OpenSTEF as the lineage of its model, and back as the `Run` that OpenSTEF reads.

A lineage has the ID of the run, its metrics and its tags. OpenSTEF also asks when a run ended and how it is
named, which two more tags say. Its hyperparameters are in the model itself.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from mlflow.entities import Metric, Param, Run, RunData, RunInfo, RunTag

from bluegrid_registry import FormatError, Lineage, sha256_hex
from bluegrid_registry.formats.lineage import MAX_METRICS, MAX_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

ENDED = "bluegrid.ended"
"""Tag with the time at which a training ended: OpenSTEF reuses a model that is recent."""
RUN_NAME = "mlflow.runName"
"""Tag with the name of a run, as MLflow has it; OpenSTEF does not compare it."""
_SPLITS = ("full", "test", "val", "train")
"""Parts of the data that OpenSTEF measures, in the order in which metrics are kept; it selects by `full`."""
_PACKAGES = (
    "openstef-core",
    "openstef-models",
    "lightgbm",
    "numpy",
    "pandas",
    "scikit-learn",
    "xgboost",
    "xgboost-cpu",
)
"""Packages whose objects a model's pickle consists of."""


@dataclass(frozen=True)
class KnownRun:
    """A run whose model is in a version, or in memory.

    Attributes:
        uid: of the model.
        id: of the run; the digest of the model if nothing is known of its run.
        lineage: what is known of the run.
        content: returns the model's file.
        params: hyperparameters, of a model in memory.
    """

    uid: str
    id: str
    lineage: Lineage
    content: Callable[[], bytes] = field(repr=False)
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str | None:
        """The name that the user gave the run."""
        return self._tags.get(RUN_NAME)

    @property
    def ended(self) -> datetime | None:
        """When the training ended; None: it is not known."""
        try:
            return datetime.fromisoformat(self._tags[ENDED]).astimezone(UTC)
        except (KeyError, ValueError):
            return None

    @property
    def _tags(self) -> dict[str, str]:
        return {name: _from_text(text) for name, text in (self.lineage.tags or {}).items()}

    def to_mlflow(self) -> Run:
        """Return the run as OpenSTEF reads it."""
        ended = None if self.ended is None else round(self.ended.timestamp() * 1000)
        info = RunInfo(
            run_id=self.id,
            experiment_id=self.uid,
            user_id=self.lineage.author or "",
            status="FINISHED",
            start_time=ended or 0,
            end_time=ended,
            lifecycle_stage="active",
            run_name=self.name,
        )
        metrics = [Metric(name, value, ended or 0, 0) for name, value in (self.lineage.metrics or {}).items()]
        params = [Param(name, value) for name, value in self.params.items()]
        tags = [RunTag(name, value) for name, value in self._tags.items() if name != ENDED]
        return Run(info, RunData(metrics, params, tags))


@dataclass(frozen=True)
class TrainedModel:
    """A model that is trained and not pushed; another process can send it.

    Attributes:
        uid: of the model.
        content: its file.
        lineage: of its run.
        params: hyperparameters, which no version keeps beside the model.
        names: what the file names, as the check of the set has read it.
    """

    uid: str
    content: bytes = field(repr=False)
    lineage: Lineage
    params: Mapping[str, str] = field(default_factory=dict)
    names: frozenset[str] | None = field(default=None, repr=False)

    @property
    def run(self) -> KnownRun:
        """The run that has trained it."""
        run_id = self.lineage.run or sha256_hex(self.content)
        return KnownRun(self.uid, run_id, self.lineage, lambda: self.content, self.params)


def lineage_of(
    uid: str,
    run_id: str,
    *,
    tags: Mapping[str, str],
    metrics: Mapping[str, float],
    author: str | None,
    commit: str | None,
    data: str | None,
) -> Lineage:
    """Return the lineage of a run that ends now.

    Args:
        uid: of the model.
        run_id: of the run.
        tags: of the model and the run, kept exactly.
        metrics: those that are finite are kept, at most as many as a lineage has.
        author: who trains.
        commit: of the training's code.
        data: what the model was trained on.

    Raises:
        FormatError: a tag is too long for a lineage, or there are too many.
    """
    ended = datetime.now(UTC).isoformat(timespec="milliseconds")
    known = {
        "author": author,
        "commit": commit,
        "data": data,
        "metrics": _kept(metrics),
        "requirements": _requirements(),
        "run": run_id,
        "tags": {**{name: _to_text(value) for name, value in tags.items()}, ENDED: ended},
    }
    try:
        lineage = Lineage.from_json(json.dumps(known), f"model {uid}: lineage")
    except ValueError as error:
        raise FormatError(str(error)) from None
    try:
        lineage.to_store(uid)
    except FormatError:
        lineage = replace(lineage, requirements=None)
        lineage.to_store(uid)
    return lineage


def _to_text(value: str) -> str:
    """Return a tag as a lineage can hold it: an empty text, or one of several lines, as JSON."""
    return value if value and value.isprintable() and not value.startswith('"') else json.dumps(value)


def _from_text(text: str) -> str:
    try:
        return str(json.loads(text)) if text.startswith('"') else text
    except ValueError:
        return text


def _kept(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the metrics to keep: of all data before those of parts, of the median before other quantiles."""
    finite = (name for name, value in metrics.items() if math.isfinite(value) and len(name) <= MAX_NAME)
    return {name: float(metrics[name]) for name in sorted(finite, key=_rank)[:MAX_METRICS]}


def _rank(name: str) -> tuple[int, float, str]:
    split, quantile, *_ = [*name.split("_"), ""]
    place = _SPLITS.index(split) if split in _SPLITS else len(_SPLITS)
    try:
        return place, abs(float(quantile) - 0.5), name
    except ValueError:
        # A metric of all quantiles together.
        return place, 0.0, name


@cache
def _requirements() -> tuple[str, ...]:
    return tuple(_installed(_PACKAGES))


def _installed(packages: Iterable[str]) -> Iterable[str]:
    for package in packages:
        try:
            yield f"{package}=={version(package)}"
        except PackageNotFoundError:
            continue
