"""Models that are read as data while a version is fetched, without their framework and without files.

A preflight loads each model by its framework too, and both have to be the same; pods of the same image rely
on it (ADR 48).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_registry.errors import ModelError
from bluegrid_server.frameworks.linear import LinearModel

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_server.frameworks.model import Model
    from bluegrid_server.frameworks.supported import Reader


class DataModels:
    """The models of a version that are read as data.

    Args:
        read: reads the bytes of a model.
    """

    def __init__(self, read: Reader) -> None:
        self._read = read
        self._models: dict[str, Model | None] = {}

    def needs_file(self, sha256: str, data: bytes) -> bool:
        """Read a verified model; return whether its framework has to load it from a file."""
        model = self._models[sha256] = self._read(data)
        return model is None

    def get(self, sha256: str, path: Path) -> Model | None:
        """Return a model; None if its framework has to load it.

        Args:
            sha256: of the model.
            path: the model's file, if it was there before this process.
        """
        if sha256 not in self._models:
            self._models[sha256] = self._read(path.read_bytes())
        return self._models[sha256]


def check_alike(read: Model | None, loaded: Model) -> None:
    """Compare a model that was read as data with the model that its framework loaded.

    Raises:
        ModelError: they differ; the message continues after "model <uid>".
    """
    if read is None or (
        isinstance(read, LinearModel)
        and isinstance(loaded, LinearModel)
        and read.table.tobytes() == loaded.table.tobytes()
        and read.intercept == loaded.intercept
        and read.inputs == loaded.inputs
    ):
        return
    raise ModelError(
        "is read as data, and its framework loads it otherwise, which is a fault of bluegrid: report it; "
        "meanwhile, `load: lazy` of the cluster has all models loaded by their framework"
    )
