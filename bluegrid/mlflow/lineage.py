"""What a run of MLflow says of its model, as lineage: parts that are too long are cut or left out."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bluegrid_registry import FormatError, Lineage
from bluegrid_registry.formats.lineage import (
    MAX_METRICS,
    MAX_NAME,
    MAX_REQUIREMENTS,
    MAX_TAGS,
    MAX_TEXT,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bluegrid.mlflow.sources import ModelOrigin

VERSION = "mlflow.version"
"""Tag with the version of a registered model."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def lineage_of(origin: ModelOrigin, requirements: Sequence[str] = ()) -> Lineage:
    """Return what is known of the training of a model.

    Args:
        origin: the run, or the version of a registered model.
        requirements: lines of the model's `requirements.txt`.
    """
    data = origin.run.get("data", {})
    tags = {each["key"]: each.get("value", "") for each in data.get("tags", ())}
    own = {key: value for key, value in tags.items() if not key.startswith("mlflow.")}
    version = {VERSION: origin.number} if origin.number is not None else {}
    found = Lineage(
        author=_text(tags.get("mlflow.user")),
        commit=_text(tags.get("mlflow.source.git.commit")),
        data=_text(", ".join(_datasets(origin.run))),
        metrics=_metrics(data.get("metrics", ())),
        requirements=tuple(filter(None, map(_text, requirements)))[:MAX_REQUIREMENTS],
        run=_text(origin.identity),
        tags=_tags({**version, **own}),
    )
    return _fitting(found, origin.uid)


def _fitting(lineage: Lineage, uid: str) -> Lineage:
    """Return the lineage without what would make it too large; the run has it all."""
    version = {key: value for key, value in (lineage.tags or {}).items() if key == VERSION}
    for less in (lineage, replace(lineage, requirements=None)):
        try:
            less.to_store(uid)
        except FormatError:
            continue
        return less
    return replace(lineage, requirements=None, tags=version)


def _metrics(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return the metrics that are finite: JSON has the others as text."""
    found = {}
    for row in rows:
        value = row.get("value", 0.0)
        name = _text(row.get("key"), MAX_NAME)
        if name and isinstance(value, int | float) and math.isfinite(value):
            found[name] = float(value)
    return dict(sorted(found.items())[:MAX_METRICS])


def _tags(tags: Mapping[str, Any]) -> dict[str, str]:
    # The version of a registered model comes first: the next import compares it.
    texts = ((_text(key, MAX_NAME), _text(value)) for key, value in tags.items())
    return dict([(key, value) for key, value in texts if key and value][:MAX_TAGS])


def _datasets(run: Mapping[str, Any]) -> Iterable[str]:
    for each in run.get("inputs", {}).get("dataset_inputs", ()):
        dataset = each.get("dataset", {})
        yield f"{dataset.get('name', '')} {dataset.get('digest', '')}".strip()


def _text(value: object, most: int = MAX_TEXT) -> str | None:
    """Return a text on one line, cut to the length that a lineage may have; None: there is nothing."""
    text = _CONTROL.sub(" ", str(value or "")).strip()
    return (text if len(text) <= most else f"{text[: most - 1]}…") or None
