"""The frameworks of an image: a family for each keeps images small; `all` has every framework."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid.image.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Family:
    """A family of frameworks.

    Attributes:
        name: as `bluegrid image build` takes it.
        extras: the extras of bluegrid-server that bring what the loaders import.
        loaders: modules of bluegrid_server.frameworks that must be importable in the image.
        has_java: whether the base needs Java, and a shell to start it, as Spark does.
    """

    name: str
    extras: tuple[str, ...]
    loaders: tuple[str, ...]
    has_java: bool = False

    @property
    def image(self) -> str:
        """The image's name; the default family has the plain one."""
        return "bluegrid-server" if self.name == DEFAULT else f"bluegrid-{self.name}-server"

    @property
    def modules(self) -> str:
        """The modules that a build imports to prove that nothing is missing, separated by commas."""
        loaders = [f"bluegrid_server.frameworks.{loader}" for loader in self.loaders]
        compilers = (
            ["bluegrid_server.frameworks.tree_ensemble", "skl2onnx"] if _ACCELERATE in self.extras else []
        )
        return ", ".join(loaders + compilers)


DEFAULT = "scikit-learn"
_ACCELERATE = "accelerate"

_SINGLE = (
    Family(DEFAULT, ("scikit-learn",), ("scikit_learn.load_skops", "scikit_learn.load_pickle")),
    Family("onnx", ("onnx",), ("onnx.load",)),
    Family("xgboost", ("xgboost",), ("xgboost.load",)),
    Family("lightgbm", ("lightgbm",), ("lightgbm.load",)),
    Family("tensorflow", ("tensorflow",), ("tensorflow.load_saved_model", "tensorflow.load_keras")),
    Family("spark", ("spark",), ("spark.load",), has_java=True),
)
# A family of its own: compiling models needs 100 MB of packages.
_ACCELERATED = Family(
    "accelerated",
    ("scikit-learn", "onnx", "xgboost", "lightgbm", _ACCELERATE),
    ("scikit_learn.load_skops", "scikit_learn.load_pickle", "onnx.load", "xgboost.load", "lightgbm.load"),
)
_ALL = Family(
    "all",
    (*(extra for family in _SINGLE for extra in family.extras), _ACCELERATE),
    tuple(loader for family in _SINGLE for loader in family.loaders),
    has_java=True,
)
FAMILIES: Mapping[str, Family] = {family.name: family for family in (*_SINGLE, _ACCELERATED, _ALL)}


def family_of(name: str) -> Family:
    """Return the family of a name; ImageError, which lists the families, if there is none."""
    if name not in FAMILIES:
        raise ImageError(f"{name!r} is not a family of images; families: {', '.join(FAMILIES)}")
    return FAMILIES[name]
