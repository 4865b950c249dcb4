"""All that is known of frameworks, one folder each; a set's model type chooses one.

A loader's module is imported when it is chosen, because a framework takes seconds to import and the server
answers probes before that.

A package adds a loader by an entry point: `[project.entry-points."bluegrid.loaders"]`, its name a model type
such as `"mine/bin"` and its value a function `load(path, trust)` that returns a `Model` or raises ModelError.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bluegrid_registry.errors import ConfigError
from bluegrid_registry.model_types.allowlist import trusted_names
from bluegrid_registry.names import Source
from bluegrid_server.frameworks.gpu import not_used

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from bluegrid_registry.model_types.model_type import ModelType

_LOADERS = {
    "scikit-learn/skops": ("bluegrid_server.frameworks.scikit_learn.load_skops", "scikit-learn"),
    "scikit-learn/joblib": ("bluegrid_server.frameworks.scikit_learn.load_pickle", "scikit-learn"),
    "scikit-learn/pickle": ("bluegrid_server.frameworks.scikit_learn.load_pickle", "scikit-learn"),
    "onnx/onnx": ("bluegrid_server.frameworks.onnx.load", "onnx"),
    "xgboost/ubj": ("bluegrid_server.frameworks.xgboost.load", "xgboost"),
    "xgboost/json": ("bluegrid_server.frameworks.xgboost.load", "xgboost"),
    "lightgbm/txt": ("bluegrid_server.frameworks.lightgbm.load", "lightgbm"),
    "tensorflow/savedmodel": ("bluegrid_server.frameworks.tensorflow.load_saved_model", "tensorflow"),
    "keras/keras": ("bluegrid_server.frameworks.tensorflow.load_keras", "tensorflow"),
    "keras/h5": ("bluegrid_server.frameworks.tensorflow.load_keras", "tensorflow"),
    "spark/spark": ("bluegrid_server.frameworks.spark.load", "spark"),
}
"""The module of each type, and the extra that brings what it imports."""

_OUTLIVE_FORK = frozenset({"scikit-learn", "onnx", "xgboost", "lightgbm"})
"""Frameworks whose models, loaded in one process, answer in those that are forked from it: no threads."""

_ON_GPU = frozenset({"onnx", "xgboost", "tensorflow", "keras"})
"""Frameworks whose models compute on a GPU where there is one; their loaders take `gpu`, whether to try."""

ENTRY_POINTS = "bluegrid.loaders"


@dataclass(frozen=True)
class TensorSpec:
    """A model's input or output, as the Open Inference Protocol describes it.

    Attributes:
        name: of the tensor.
        shape: its sizes; -1 is any size.
        datatype: one of `tensors.DATATYPES`.
        columns: names of the columns along the last axis, in their order; none where the model has none.
    """

    name: str
    shape: tuple[int, ...]
    datatype: str = "FP64"
    columns: tuple[str, ...] = ()


class Model(Protocol):
    """A loaded model: named arrays in, named arrays out."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What it takes."""

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What it gives."""

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Return the outputs for the inputs, all of their specs' shapes and datatypes; from any thread."""


Loader = Callable[[Path], Model]
"""Loads one file; raises ModelError, whose message goes on after "model <uid>"."""


def loader_of(
    model_type: ModelType, trust: Iterable[str] = (), *, source: Source = Source.PLATFORM, gpu: bool = False
) -> Loader:
    """The loader of a model type.

    Args:
        model_type: the set's type.
        trust: what the set trusts: types of skops, globals of pickles.
        source: whose set it is.
        gpu: whether the pod has a GPU for its models.

    Raises:
        ConfigError: this image has none.
    """
    name = str(model_type)
    if name in _LOADERS:
        module, extra = _LOADERS[name]
        try:
            load = import_module(module).load
        except ImportError as error:
            raise ConfigError(
                f"BLUEGRID_TYPE: this image cannot load {name}: {error}; "
                f"use one with bluegrid-server[{extra}]"
            ) from None
    elif points := entry_points(group=ENTRY_POINTS, name=name):
        load = next(iter(points)).load()
    else:
        known = sorted({*_LOADERS, *(point.name for point in entry_points(group=ENTRY_POINTS))})
        raise ConfigError(f"BLUEGRID_TYPE: nothing loads {name}; loaders: {', '.join(known)}")
    if gpu and model_type.framework in _ON_GPU:
        load = partial(load, gpu=True)
    elif gpu:
        not_used(model_type.framework, "its models compute on the CPU")
    return partial(load, trust=trusted_names(model_type, source, trust))


def outlives_fork(model_type: ModelType, *, gpu: bool = False) -> bool:
    """Whether models that one process has loaded answer in a process that is forked from it.

    What CUDA keeps on a GPU does not.
    """
    framework = model_type.framework
    return framework in _OUTLIVE_FORK and not (gpu and framework in _ON_GPU)
