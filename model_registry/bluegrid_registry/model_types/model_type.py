"""The table of model types: frameworks and their file types.

A package adds a row by an entry point, `[project.entry-points."bluegrid.file_types"]`, with any name and a
`ModelType` as its value. PyTorch models are exported to ONNX.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, partial
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from pydantic_core import core_schema

from bluegrid_registry.errors import ConfigError, FormatError
from bluegrid_registry.model_types import compressed, estimators, pickle_scan, skops_scan, sniff, writers
from bluegrid_registry.model_types.allowlist import PICKLE_GLOBALS, SKOPS_TYPES, UNCHECKED_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

ENTRY_POINTS = "bluegrid.file_types"


@dataclass(frozen=True)
class ModelType:
    """A framework and its file type, written `scikit-learn/skops`; one set holds one type."""

    framework: str
    file_type: str
    """Also the suffix of a model's file or folder."""
    words: str
    """The name of a model of this type in messages, such as "an ONNX model"."""
    sniff: Callable[[bytes], str | None]
    """Returns None if bytes look like this type, otherwise the fault, as the end of a sentence after "it".

    An `Unfit` in its place says that the bytes are of the type, and that no pod should load them.
    """
    is_folder: bool = False
    """Whether a model is a folder; its bytes are then the folder's archive."""
    runs_code: bool = False
    """Whether loading a hostile model, or predicting with it, can run its author's code."""
    plain: Callable[[bytes, int], bytes] | None = None
    """Returns the bytes to store for a model's file, such as a compressed one; None: those of the file.

    The second argument is the most bytes to return. FormatError: the file is damaged, or has more.
    """
    names_in: Callable[[bytes], frozenset[str]] | None = None
    """Returns the classes and functions that a model names; FormatError: unreadable."""
    estimators_in: Callable[[bytes], tuple[str, ...]] | None = None
    """Returns the classes of which a model's author composed it; the models of a set have the same ones.

    None: the models of a set are of one type, and nothing more. FormatError: unreadable.
    """
    trusted: frozenset[str] = field(default=frozenset(), repr=False)
    """Names that any set trusts."""
    trusted_of_platform: frozenset[str] = field(default=frozenset(), repr=False)
    """Names that sets of the platform trust in addition."""
    writer: Callable[[bytes], str | None] | None = None
    """Returns the framework version that wrote a model; None: its bytes do not name it."""
    newest: int = 0
    """Newest major version of a writer that this release of bluegrid supports."""
    image_family: str | None = None
    """Family of the images that have the framework; None: it has the framework's name."""

    @property
    def family(self) -> str:
        """Family of the images that have the framework: a key of a stack's `images`."""
        return self.image_family or self.framework

    def __str__(self) -> str:
        return f"{self.framework}/{self.file_type}"

    @classmethod
    def parse(cls, written: object) -> ModelType:
        """Return the type with this name; ValueError, with the known names, if there is none."""
        known = model_types()
        if str(written) not in known:
            remedy = "install the plug-in that has another"
            raise ValueError(f"{written!r} is not a known model type; known: {', '.join(known)}; {remedy}")
        return known[str(written)]

    def check(self, data: bytes) -> None:
        """Check that `data` looks like a model of this type, in microseconds.

        Raises:
            FormatError: `data` does not, or no pod can load it; the message continues "model <uid>".
        """
        fault = self.sniff(data)
        if fault is None:
            self._check_writer(data)
            return
        if isinstance(fault, sniff.Unfit):
            raise FormatError(fault)
        for other in model_types().values():
            if other.sniff(data) is None:
                raise FormatError(f"is {other.words}, not {self.words}; a set holds one type")
        raise FormatError(f"is not {self.words}: it {fault}")

    def _check_writer(self, data: bytes) -> None:
        # The pod's image determines the version that reads the file; a newer format may be unreadable.
        version = self.writer(data) if self.writer is not None else None
        if writers.release(version)[0] > self.newest:
            raise FormatError(
                f"was written by {self.framework} {version}, and this release of bluegrid knows those up to "
                f"{self.newest}; save it with such a version"
            )

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, _handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Validate and serialise the type as its string."""
        as_written = core_schema.to_string_ser_schema(when_used="always")
        return core_schema.no_info_plain_validator_function(cls.parse, serialization=as_written)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe the type as a string of the known types."""
        return {"type": "string", "enum": list(model_types())}


_pickle = partial(
    ModelType,
    "scikit-learn",
    sniff=sniff.pickled,
    runs_code=True,
    plain=compressed.plain,
    names_in=pickle_scan.globals_of,
    estimators_in=estimators.of_pickle,
    trusted=PICKLE_GLOBALS | {pickle_scan.ENCODE},
)
_xgboost = partial(ModelType, "xgboost", newest=3)
_keras = partial(ModelType, "keras", runs_code=True, image_family="tensorflow")
_folder = partial(ModelType, is_folder=True, runs_code=True)
BUILT_IN: Mapping[str, ModelType] = {
    str(row): row
    for row in (
        ModelType(
            "scikit-learn",
            "skops",
            "a skops file",
            sniff.skops,
            names_in=skops_scan.types_of,
            estimators_in=estimators.of_skops,
            trusted=SKOPS_TYPES,
            trusted_of_platform=UNCHECKED_TYPES,
        ),
        _pickle("joblib", "a joblib pickle"),
        _pickle("pickle", "a pickle"),
        ModelType("onnx", "onnx", "an ONNX model", sniff.onnx),
        _xgboost("ubj", "an XGBoost model in UBJSON", sniff.xgboost_ubj, writer=writers.xgboost_ubj),
        _xgboost("json", "an XGBoost model in JSON", sniff.xgboost_json, writer=writers.xgboost_json),
        ModelType("lightgbm", "txt", "a LightGBM model", sniff.lightgbm, writer=writers.lightgbm, newest=4),
        ModelType("catboost", "cbm", "a CatBoost model", sniff.catboost, writer=writers.catboost, newest=1),
        ModelType("safetensors", "safetensors", "a safetensors file", sniff.safetensors),
        # These can run code: a TensorFlow graph has operations that read and write files, Keras has layers of
        # marshalled Python, and Spark's metadata names the classes to load.
        _folder("tensorflow", "savedmodel", "a SavedModel folder", sniff.saved_model),
        _keras("keras", "a Keras model", sniff.keras, writer=writers.keras, newest=3),
        _keras("h5", "an HDF5 file", sniff.hdf5),
        _folder("spark", "spark", "a Spark ML folder", sniff.spark, writer=writers.spark, newest=4),
    )
}
"""The rows that come with bluegrid, by the type's name."""


@cache
def model_types() -> Mapping[str, ModelType]:
    """Return every row by the type's name; ConfigError if an entry point is invalid or its type taken."""
    rows = dict(BUILT_IN)
    for point in entry_points(group=ENTRY_POINTS):
        where = f"entry point {point.name} of {ENTRY_POINTS}"
        try:
            row = point.load()
        except (ImportError, AttributeError) as error:
            raise ConfigError(f"{where}: {error}; fix or remove its package") from None
        if not isinstance(row, ModelType):
            raise ConfigError(f"{where}: {point.value} is not a ModelType; fix or remove its package")
        if str(row) in rows:
            raise ConfigError(f"{where}: there is a type {row} already; choose another name")
        rows[str(row)] = row
    return rows
