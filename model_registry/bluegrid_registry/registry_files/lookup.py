"""Look up declared sets, versions, services and clusters by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from bluegrid_registry.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


def pick(declared: Mapping[str, T], name: str, otherwise: str) -> T:
    """Return the value with this name; RegistryError, with the declared names, if there is none."""
    if name not in declared:
        raise RegistryError(f"{otherwise}; declared: {', '.join(declared) or 'none'}")
    return declared[name]
