"""The lineage of a model: who trained it, from what, in which run, and how good it was then.

A row of the manifest may have one. So that the manifests of thousands of models stay small, every part is
bounded, and a push rounds metrics to six digits.
"""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from bluegrid_registry.errors import FormatError
from bluegrid_registry.frozen import first_mistake

MAX_LINEAGE_BYTES = 2048
"""Largest lineage of a model, in bytes of JSON: 100,000 of them still fit into a manifest."""
MAX_TEXT = 200
"""Characters of the longest text."""
MAX_NAME = 63
"""Characters of the longest name of a metric or tag."""
MAX_METRICS = MAX_TAGS = 16
MAX_REQUIREMENTS = 32
_DIGITS = 6
"""Significant digits of a stored metric."""

_ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$"


LineageText = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT, pattern=_ONE_LINE)]
"""One line of text."""
LineageName = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME, pattern=_ONE_LINE)]
"""Name of a metric or tag."""
Metric = Annotated[float, Field(strict=True, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Lineage:
    """What is known of a model's training; every part is optional.

    A dataclass with slots, since memory may hold a hundred thousand of them. Fields are declared in
    alphabetical order, which sorts the JSON's keys.
    """

    author: LineageText | None = None
    """Who trained the model: a person or a program."""
    commit: LineageText | None = None
    """The commit of the training's code."""
    data: LineageText | None = None
    """What the model was trained on."""
    metrics: Annotated[dict[LineageName, Metric], Field(max_length=MAX_METRICS)] | None = None
    """Measures of quality by name, such as `mae`; on which data, `data` or a tag says."""
    requirements: Annotated[tuple[LineageText, ...], Field(max_length=MAX_REQUIREMENTS)] | None = None
    """The packages of the training, such as `scikit-learn==1.9.0`."""
    run: LineageText | None = None
    """ID of the training's run."""
    tags: Annotated[dict[LineageName, LineageText], Field(max_length=MAX_TAGS)] | None = None
    """Anything more, by name."""

    @classmethod
    def from_json(cls, text: str | bytes, place: str) -> Lineage:
        """Return the lineage in a JSON object.

        Args:
            text: the object, untrusted.
            place: the model or file, for messages.

        Raises:
            ValueError: the message begins with the place of the first mistake.
        """
        try:
            return _LINEAGE.validate_python(json.loads(text))
        except ValidationError as error:
            where, _, fault = first_mistake(error).partition(": ")
            remedy = _REMEDIES.get(error.errors()[0]["type"], "correct it, or leave it out")
            raise ValueError(f"{place}{'' if where == 'whole' else f'.{where}'}: {fault}; {remedy}") from None

    def to_json(self) -> bytes:
        """Return the JSON object; equal lineages give equal bytes."""
        return _LINEAGE.dump_json(self, exclude_none=True)

    def to_dict(self) -> dict[str, Any]:
        """Return what is known, as JSON has it."""
        known: dict[str, Any] = _LINEAGE.dump_python(self, mode="json", exclude_none=True)
        return known

    def to_store(self, uid: str) -> Lineage | None:
        """Return the lineage as a manifest has it: with rounded metrics, and sorted; None: it is empty.

        Args:
            uid: of the model, for messages.

        Raises:
            FormatError: the lineage is too large.
        """
        stored = replace(
            self,
            metrics={name: _rounded(value) for name, value in sorted((self.metrics or {}).items())} or None,
            requirements=self.requirements or None,
            tags=dict(sorted((self.tags or {}).items())) or None,
        )
        size = len(stored.to_json())
        if size > MAX_LINEAGE_BYTES:
            limit = f"a model has at most {MAX_LINEAGE_BYTES}; keep the rest with the run, and name the run"
            raise FormatError(f"model {uid}: {size} bytes of lineage; {limit}")
        return None if stored == _EMPTY else stored


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


_LINEAGE = TypeAdapter(Lineage)
_EMPTY = Lineage()
_REMEDIES = {
    "finite_number": "leave the metric out",
    "string_pattern_mismatch": "write it on one line",
    "string_too_long": "shorten it, or keep it with the run",
    "too_long": "keep the others with the run",
    "unexpected_keyword_argument": f"known: {', '.join(field.name for field in fields(Lineage))}",
}
"""What to do, by the type of pydantic's error."""
