"""Models that are read as data while a version is fetched, without their framework and without files.

A preflight loads each model by its framework too, and both have to be the same; pods of the same image rely
on it (ADR 48).
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import fields
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
import structlog

from bluegrid_registry.errors import ModelError
from bluegrid_server.frameworks.compiled import NotCompiledError
from bluegrid_server.frameworks.errors import describe
from bluegrid_server.frameworks.linear import LinearModel
from bluegrid_server.frameworks.not_data import NotDataError
from bluegrid_server.frameworks.tree_model import TreeModel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bluegrid_registry.model_types.model_type import ModelType
    from bluegrid_server.frameworks.model import Model
    from bluegrid_server.frameworks.supported import Reader


@contextmanager
def without_collections() -> Iterator[None]:
    """Collect no garbage: data has no cycles, and to look for some takes a third of the time to read it."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class LenientReader:
    """Reads models as data, and leaves files that their reader does not read to their framework.

    This is the only place that accepts any exception of a reader.

    Args:
        read: reads the bytes of a model.
        model_type: of the models.
        reads_trees: whether models of trees are read; otherwise linear models only.
    """

    def __init__(self, read: Reader, model_type: ModelType, *, reads_trees: bool = True) -> None:
        self._read, self._model_type, self._reads_trees = read, model_type, reads_trees
        self._failures = count()

    def __call__(self, data: bytes) -> Model | None:
        """Return the model of a file; None: the framework has to load the file."""
        try:
            model = self._read(data)
        except (NotDataError, NotCompiledError):
            return None
        # A damaged file can have anything in any place. What the framework says of it is what people read.
        except Exception as error:  # noqa: BLE001
            # The first of a version only: if this is a fault of the reader, thousands of files may have it.
            if next(self._failures) == 0:
                structlog.get_logger().warning(
                    "models are left to their framework: their reader failed; if the framework loads them, "
                    "report it as a fault of bluegrid",
                    type=str(self._model_type),
                    error=describe(error),
                    exc_info=error,
                )
            return None
        return model if self._reads_trees or isinstance(model, LinearModel) else None


class DataModels:
    """The models of a version that are read as data.

    Args:
        read: reads the bytes of a model.
    """

    def __init__(self, read: LenientReader) -> None:
        self._read = read
        self._models: dict[str, Model | None] = {}
        self._has_trees = False

    def needs_file(self, sha256: str, data: bytes) -> bool:
        """Read a verified model; return whether its framework may have to load it from a file.

        Of trees, only the framework knows how to answer missing values.
        """
        return not isinstance(self._keep(sha256, data), LinearModel)

    @property
    def need_framework(self) -> bool:
        """Whether requests may need the framework of models that are read as data."""
        return self._has_trees

    def get(self, sha256: str, path: Path) -> Model | None:
        """Return a model; None if its framework has to load it.

        Tables of trees are not kept: their models hold them, mostly in shared memory.

        Args:
            sha256: of the model.
            path: the model's file, if it was there before this process.
        """
        if sha256 not in self._models:
            self._keep(sha256, path.read_bytes())
        model = self._models[sha256]
        if isinstance(model, TreeModel):
            del self._models[sha256]
        return model

    def _keep(self, sha256: str, data: bytes) -> Model | None:
        model = self._models[sha256] = self._read(data)
        # Set, not combined with what it was: models are read in several threads.
        if isinstance(model, TreeModel):
            self._has_trees = True
        return model


def check_alike(read: Model | None, loaded: Model) -> None:
    """Compare a model that was read as data with the model that its framework loaded.

    Raises:
        ModelError: they differ; the message continues after "model <uid>".
    """
    if read is None or _content(read) == _content(loaded) is not None:
        return
    raise ModelError(
        "is read as data, and its framework loads it otherwise, which is a fault of bluegrid: report it; "
        "meanwhile, `load: lazy` of the cluster has all models loaded by their framework"
    )


def _content(model: Model) -> object:
    """Return all that a model which is data consists of, to the bit; None for other models."""
    if isinstance(model, LinearModel):
        numbers: tuple[object, ...] = (model.table.tobytes(), model.intercept)
    elif isinstance(model, TreeModel):
        values = (getattr(model.table, each.name) for each in fields(model.table))
        numbers = tuple(_bits(value) for value in values)
    else:
        return None
    return type(model), numbers, model.inputs, model.outputs


def _bits(value: object) -> object:
    if not isinstance(value, np.ndarray):
        return value
    return value.dtype.str, value.shape, value.tolist() if value.dtype == object else value.tobytes()
