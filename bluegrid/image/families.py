"""The families of images: one for each framework, to keep images small; `all` has every framework.

Which family a model type is of: `bluegrid_registry.model_types.model_type.ModelType.family`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid.image.errors import ImageError
from bluegrid_registry.registry_files.server_images import ACCELERATED

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Family:
    """A family of frameworks.

    Attributes:
        name: as `bluegrid image build` takes it.
        extras: the extras of bluegrid-server; the loaders of each must be importable in the image.
        has_java: whether the base needs Java, and a shell to start it, as Spark does.
    """

    name: str
    extras: tuple[str, ...]
    has_java: bool = False

    @property
    def image(self) -> str:
        """The image's name; the default family's has no suffix."""
        return "bluegrid-server" if self.name == DEFAULT else f"bluegrid-{self.name}-server"


DEFAULT = "scikit-learn"
_ACCELERATE = "accelerate"

_SINGLE = (
    Family(DEFAULT, ("scikit-learn",)),
    Family("onnx", ("onnx",)),
    Family("xgboost", ("xgboost",)),
    Family("lightgbm", ("lightgbm",)),
    Family("catboost", ("catboost",)),
    Family("tensorflow", ("tensorflow",)),
    Family("spark", ("spark",), has_java=True),
)
# A family of its own: compiling models needs 100 MB of packages.
_ACCELERATED = Family(ACCELERATED, ("scikit-learn", "onnx", "xgboost", "lightgbm", _ACCELERATE))
_ALL = Family("all", (*(extra for family in _SINGLE for extra in family.extras), _ACCELERATE), has_java=True)
FAMILIES: Mapping[str, Family] = {family.name: family for family in (*_SINGLE, _ACCELERATED, _ALL)}


def family_of(name: str) -> Family:
    """Return the family of a name; ImageError, which lists the families, if there is none."""
    if name not in FAMILIES:
        raise ImageError(f"{name!r} is not a family of images; families: {', '.join(FAMILIES)}")
    return FAMILIES[name]
