"""The table of frameworks and their file types.

A package adds a row of its own by an entry point: `[project.entry-points."bluegrid.file_types"]`, any name,
its value a `FileType`. PyTorch models come as ONNX.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from model_registry.errors import ConfigError
from model_registry.model_types import looks, pickles, skops
from model_registry.model_types.trusted import PICKLE_GLOBALS, SKOPS_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ENTRY_POINTS = "bluegrid.file_types"


@dataclass(frozen=True)
class FileType:
    """One file type of a framework."""

    framework: str
    name: str
    """Also the suffix of a model's file or folder."""
    words: str
    """How a message calls a model of this type, such as "an ONNX model"."""
    looks_right: Callable[[bytes], str | None]
    """None when bytes look like this type, else what is wrong, to go on after "it"; microseconds."""
    is_folder: bool = False
    """Whether a model is a folder; its bytes are then the folder's archive."""
    runs_code: bool = False
    """Whether loading a hostile model, or predicting with it, can run its author's code."""
    names_in: Callable[[bytes], frozenset[str]] | None = None
    """The classes and functions that a model names; FormatError: unreadable."""
    trusted: frozenset[str] = frozenset()
    """Those of them that need no trust of the set's own."""

    def __str__(self) -> str:
        return f"{self.framework}/{self.name}"


_BUILT_IN = (
    FileType(
        "scikit-learn", "skops", "a skops file", looks.skops, names_in=skops.types_of, trusted=SKOPS_TYPES
    ),
    FileType(
        "scikit-learn",
        "joblib",
        "a joblib pickle",
        looks.pickled,
        runs_code=True,
        names_in=pickles.globals_of,
        trusted=PICKLE_GLOBALS,
    ),
    FileType(
        "scikit-learn",
        "pickle",
        "a pickle",
        looks.pickled,
        runs_code=True,
        names_in=pickles.globals_of,
        trusted=PICKLE_GLOBALS,
    ),
    FileType("onnx", "onnx", "an ONNX model", looks.onnx),
    FileType("xgboost", "ubj", "an XGBoost model in UBJSON", looks.xgboost_ubj),
    FileType("xgboost", "json", "an XGBoost model in JSON", looks.xgboost_json),
    FileType("lightgbm", "txt", "a LightGBM model", looks.lightgbm),
    FileType("safetensors", "safetensors", "a safetensors file", looks.safetensors),
    # A graph has operations that read and write files, Keras has layers of marshalled Python, and Spark's
    # metadata names the classes to load.
    FileType(
        "tensorflow", "savedmodel", "a SavedModel folder", looks.saved_model, is_folder=True, runs_code=True
    ),
    FileType("keras", "keras", "a Keras model", looks.keras, runs_code=True),
    FileType("keras", "h5", "an HDF5 file", looks.hdf5, runs_code=True),
    FileType("spark", "spark", "a Spark ML folder", looks.spark, is_folder=True, runs_code=True),
)
FILE_TYPES: Mapping[str, FileType] = {str(row): row for row in _BUILT_IN}
"""The rows that come with bluegrid, by type as it is written."""


@cache
def installed_types() -> Mapping[str, FileType]:
    """Return the rows of installed packages, read once; ConfigError when an entry point is none, or taken."""
    rows: dict[str, FileType] = {}
    for point in entry_points(group=ENTRY_POINTS):
        where = f"entry point {point.name} of {ENTRY_POINTS}"
        try:
            row = point.load()
        except (ImportError, AttributeError) as error:
            raise ConfigError(f"{where}: {error}; mend or remove its package") from None
        if not isinstance(row, FileType):
            raise ConfigError(f"{where}: {point.value} is no FileType; mend or remove its package")
        if str(row) in {**FILE_TYPES, **rows}:
            raise ConfigError(f"{where}: there is a type {row} already; name it otherwise")
        rows[str(row)] = row
    return rows


def file_types() -> Mapping[str, FileType]:
    """Return every row, by type as it is written."""
    return {**FILE_TYPES, **installed_types()}
