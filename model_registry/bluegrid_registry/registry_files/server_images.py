"""Images of the model server by family of frameworks: which of them the pods of a set run."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from bluegrid_registry.model_types.model_type import model_types

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from bluegrid_registry.registry_files.model_set_schema import DeclaredSet
    from bluegrid_registry.registry_files.offered import OfferedService

ACCELERATED = "accelerated"
"""The family for sets with `accelerate: onnx`: what compiles their models needs more packages."""


def family_of_set(declared: DeclaredSet) -> str:
    """Return the family of the image that the pods of a set run."""
    return ACCELERATED if declared.accelerate == "onnx" else declared.type.family


def image_families() -> tuple[str, ...]:
    """Return the families of all model types, of other packages' too, and of sets with `accelerate: onnx`."""
    return tuple(sorted({ACCELERATED, *(row.family for row in model_types().values())}))


def sets_without_image(
    services: Iterable[OfferedService], families: Collection[str]
) -> Mapping[str, list[DeclaredSet]]:
    """Return the sets that a region serves whose families are not among these, by family."""
    missing: dict[str, list[DeclaredSet]] = defaultdict(list)
    for service in services:
        if (family := family_of_set(service.set)) not in families:
            missing[family].append(service.set)
    return missing
