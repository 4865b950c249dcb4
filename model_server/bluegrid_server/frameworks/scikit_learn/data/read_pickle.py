"""Reads pickles of `joblib.dump` or `pickle.dump` as data."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from bluegrid_server.frameworks.scikit_learn.data.pickle_opcodes import Pickle
from bluegrid_server.frameworks.scikit_learn.data.recipes import recipe_of
from bluegrid_server.frameworks.scikit_learn.other_releases import log_other_releases

if TYPE_CHECKING:
    from collections.abc import Callable

    from bluegrid_server.frameworks.model import Model


def reader(_: frozenset[str]) -> Callable[[bytes], Model | None]:
    """Return the reader of pickles; every class that it reads may be in any pickle."""
    return PickleReader(version("scikit-learn")).read


class PickleReader:
    """Reads models of pickles.

    Args:
        image: the release of scikit-learn in this image.
    """

    def __init__(self, image: str) -> None:
        self._image = image

    def read(self, data: bytes) -> Model | None:
        """Return the model of a file; None: scikit-learn has to load the file."""
        try:
            pickle = Pickle(data)
            recipe = recipe_of(pickle.root())
            model = recipe.model(pickle.arrays)
        # A damaged file can have anything in any place. What scikit-learn says of it is what people read.
        except Exception:  # noqa: BLE001
            return None
        log_other_releases(recipe.releases, self._image)
        return model
