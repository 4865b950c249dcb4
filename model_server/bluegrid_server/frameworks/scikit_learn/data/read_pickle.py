"""Reads pickles of `joblib.dump` or `pickle.dump` as data."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from bluegrid_server.frameworks.scikit_learn.data.pickle_data import PickleData
from bluegrid_server.frameworks.scikit_learn.data.pickle_opcodes import root_of
from bluegrid_server.frameworks.scikit_learn.data.recipes import recipe_of
from bluegrid_server.frameworks.scikit_learn.other_releases import log_other_releases

if TYPE_CHECKING:
    from collections.abc import Callable

    from bluegrid_server.frameworks.model import Model


def reader(_: frozenset[str]) -> Callable[[bytes], Model]:
    """Return the reader of pickles; every class that it reads may be in any pickle."""
    return PickleReader(version("scikit-learn")).read


class PickleReader:
    """Reads models of pickles.

    Args:
        image: the release of scikit-learn in this image.
    """

    def __init__(self, image: str) -> None:
        self._image = image

    def read(self, data: bytes) -> Model:
        """Return the model of a file.

        Raises:
            NotDataError, NotCompiledError: scikit-learn has to load the file.
            Exception: of any class, if the file is damaged.
        """
        content = PickleData(data)
        recipe = recipe_of(root_of(content))
        model = recipe.model(content.arrays)
        log_other_releases(recipe.releases, self._image)
        return model
