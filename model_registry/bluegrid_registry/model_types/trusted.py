"""The names that a model may use without its set's own trust, out of the table `trusted.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path

_TABLE: dict[str, dict[str, list[str]]] = tomllib.loads(
    Path(__file__).with_suffix(".toml").read_text("utf-8")
)


def _names(*sections: str) -> frozenset[str]:
    return frozenset(
        f"{module}.{name}"
        for section in sections
        for module, names in _TABLE[section].items()
        for name in names
    )


ESTIMATORS = _names("estimators")
PICKLE_GLOBALS = _names("estimators", "parts", "data", "unchecked", "pickles")
SKOPS_TYPES = _names("estimators", "parts", "data", "skops")
UNCHECKED_TYPES = _names("unchecked")
"""Harmless in sets of the platform only."""
