"""Names that a model may use without `trust` of its set, from the table `allowlist.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from bluegrid_registry.names import Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bluegrid_registry.model_types.model_type import ModelType

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
"""Names that only sets of the platform may use without `trust`."""


def trusted_names(model_type: ModelType, source: Source | None, trust: Iterable[str] = ()) -> frozenset[str]:
    """Return the names that a model may use; pushes and pods use the same list.

    Args:
        model_type: the type of the model's set.
        source: who defined the set; None is treated as a user.
        trust: names that the set trusts in addition to the harmless ones.
    """
    of_platform = model_type.trusted_of_platform if source is Source.PLATFORM else frozenset()
    return model_type.trusted | of_platform | frozenset(trust)
