"""The families of images: one for each framework, to keep images small; `all` has all of the server's own.

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
class Plugin:
    """A distribution of this repository that adds frameworks to the server, with a lock file of its own.

    Attributes:
        distribution: such as bluegrid-openstef, with the package bluegrid_openstef.
        folder: where its pyproject.toml and uv.lock are in a checkout.
        imports: the module that imports all that a pod may need of the plug-in.
    """

    distribution: str
    folder: str
    imports: str


@dataclass(frozen=True)
class Family:
    """A family of frameworks.

    Attributes:
        name: as `bluegrid image build` takes it.
        extras: the extras of bluegrid-server, whose loaders must be importable in the image; with a plug-in,
            the plug-in's own.
        has_java: whether the base needs Java, and a shell to start it, as Spark does.
        python: the oldest Python that the packages are for.
        unused: packages that the frameworks require, and import for nothing that a pod does.
        plugin: where the frameworks are not the server's own.
    """

    name: str
    extras: tuple[str, ...]
    has_java: bool = False
    python: tuple[int, int] = (3, 11)
    unused: tuple[str, ...] = ()
    plugin: Plugin | None = None

    @property
    def image(self) -> str:
        """The image's name; the default family's has no suffix."""
        return "bluegrid-server" if self.name == DEFAULT else f"bluegrid-{self.name}-server"

    @property
    def distribution(self) -> str:
        """The distribution that has the extras."""
        return "bluegrid-server" if self.plugin is None else self.plugin.distribution


DEFAULT = "scikit-learn"
_ACCELERATE = "accelerate"
_PLOTTING = ("graphviz", "matplotlib", "plotly")
"""Packages with which CatBoost draws (70 MB with their own); it imports them when it does."""

_SINGLE = (
    Family(DEFAULT, ("scikit-learn",)),
    Family("onnx", ("onnx",)),
    Family("xgboost", ("xgboost",)),
    Family("lightgbm", ("lightgbm",)),
    Family("catboost", ("catboost",), unused=_PLOTTING),
    Family("tensorflow", ("tensorflow",)),
    Family("spark", ("spark",), has_java=True),
)
# A family of its own: compiling models needs 100 MB of packages.
_ACCELERATED = Family(ACCELERATED, ("scikit-learn", "onnx", "xgboost", "lightgbm", _ACCELERATE))
_ALL = Family(
    "all",
    (*(extra for family in _SINGLE for extra in family.extras), _ACCELERATE),
    has_java=True,
    unused=_PLOTTING,
)
# Not in `all`: another lock file, for a later Python than that of the other families.
_OPENSTEF = Family(
    "openstef",
    ("serve",),
    python=(3, 12),
    # OpenSTEF's presets and callbacks store models there; a fitted pipeline refers to neither.
    unused=("mlflow-skinny",),
    plugin=Plugin("bluegrid-openstef", "openstef_plugin", "bluegrid_openstef.imports"),
)
FAMILIES: Mapping[str, Family] = {family.name: family for family in (*_SINGLE, _ACCELERATED, _ALL, _OPENSTEF)}


def family_of(name: str) -> Family:
    """Return the family of a name; ImageError, which lists the families, if there is none."""
    if name not in FAMILIES:
        raise ImageError(f"{name!r} is not a family of images; families: {', '.join(FAMILIES)}")
    return FAMILIES[name]
