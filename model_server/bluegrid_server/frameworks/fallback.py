"""Outputs of a fallback model, such as a flat line where a model finds no history to compute with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,62}")
"""Keys of RFC 9651, since names stand in a header, of at most 63 characters."""


class Fallback(dict[str, "NDArray[Any]"]):
    """Outputs that a fallback model gave: `predict` and `on_request` return it in place of another mapping.

    The answer then has the name in its parameters and in a header, and a metric counts it.

    Args:
        outputs: arrays by name, as `predict` would return them.
        name: of the fallback model, one of `FrameworkPlugin.fallbacks`.

    Raises:
        ValueError: the name has other characters than a header can have.
    """

    def __init__(self, outputs: Mapping[str, NDArray[Any]], name: str) -> None:
        super().__init__(outputs)
        check_name(name)
        self.name = name


def check_name(name: str) -> None:
    """Raise ValueError if a fallback model cannot have this name."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"fallback {name!r}: expected a lower-case letter, then at most 62 of a-z, 0-9, '_', '-' and '.'"
        )


def fallback_of(outputs: Mapping[str, NDArray[Any]]) -> str | None:
    """Return the name of the fallback model that gave these outputs; None: the model itself gave them."""
    return outputs.name if isinstance(outputs, Fallback) else None
