"""The supported frameworks, one row each, and loaders that other packages add by entry points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from bluegrid_registry.errors import ConfigError
from bluegrid_registry.model_types.allowlist import trusted_names
from bluegrid_registry.names import Source
from bluegrid_server.frameworks.gpu import not_used
from bluegrid_server.frameworks.model import Model

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bluegrid_registry.model_types.model_type import ModelType

ENTRY_POINTS = "bluegrid.loaders"
"""Group of the entry points."""

Loader = Callable[[Path], Model]
"""Loads one file; raises ModelError, whose message continues after "model <uid>"."""


@dataclass(frozen=True)
class Framework:
    """Facts about a framework that the server needs before it imports the framework's modules.

    Attributes:
        loaders: by file type, the module in this package whose `load(path, trust)` loads such files.
        extra: of bluegrid-server, which installs the packages that the loaders import.
        outlives_fork: whether loaded models also answer in processes that are forked afterwards, because the
            framework has no threads.
        on_gpu: whether models compute on a GPU if there is one; the loaders take the argument `gpu`.
        compiler: the module in this package that compiles the models; None: no compiler.
    """

    loaders: Mapping[str, str]
    extra: str
    outlives_fork: bool = False
    on_gpu: bool = False
    compiler: str | None = None


FRAMEWORKS: Mapping[str, Framework] = {
    "scikit-learn": Framework(
        {
            "skops": "scikit_learn.load_skops",
            "joblib": "scikit_learn.load_pickle",
            "pickle": "scikit_learn.load_pickle",
        },
        extra="scikit-learn",
        outlives_fork=True,
        compiler="scikit_learn.compiler",
    ),
    "onnx": Framework({"onnx": "onnx.load"}, extra="onnx", outlives_fork=True, on_gpu=True),
    "xgboost": Framework(
        {"ubj": "xgboost.load", "json": "xgboost.load"},
        extra="xgboost",
        outlives_fork=True,
        on_gpu=True,
        compiler="xgboost.compiler",
    ),
    "lightgbm": Framework(
        {"txt": "lightgbm.load"}, extra="lightgbm", outlives_fork=True, compiler="lightgbm.compiler"
    ),
    "tensorflow": Framework({"savedmodel": "tensorflow.load_saved_model"}, extra="tensorflow", on_gpu=True),
    "keras": Framework(
        {"keras": "tensorflow.load_keras", "h5": "tensorflow.load_keras"}, extra="tensorflow", on_gpu=True
    ),
    "spark": Framework({"spark": "spark.load"}, extra="spark"),
}

_OWN = Framework({}, extra="")
"""Assumptions about a framework that another package adds."""


def framework_of(model_type: ModelType) -> Framework:
    """Return the row of a model type's framework, or `_OWN` for a framework that another package adds."""
    return FRAMEWORKS.get(model_type.framework, _OWN)


def module_of(name: str) -> str:
    """Return the full name of a module in a row."""
    return f"{__package__}.{name}"


def loader_of(
    model_type: ModelType,
    trust: Iterable[str] = (),
    *,
    source: Source = Source.PLATFORM,
    gpu: bool = False,
    signature: str | None = None,
) -> Loader:
    """Return the loader of a model type.

    Args:
        model_type: the set's type.
        trust: skops types or pickle globals that the set trusts.
        source: owner of the set.
        gpu: whether the pod has a GPU.
        signature: of SavedModels, which to serve; other types have none.

    Raises:
        ConfigError: this image has no loader for the type.
    """
    name, framework = str(model_type), framework_of(model_type)
    framework_name, _, file_type = name.partition("/")
    if file_type in framework.loaders:
        try:
            load = import_module(module_of(framework.loaders[file_type])).load
        except ImportError as error:
            raise ConfigError(
                f"BLUEGRID_TYPE: this image cannot load {name}: {error}; "
                f"use one with bluegrid-server[{framework.extra}]"
            ) from None
    elif points := entry_points(group=ENTRY_POINTS, name=name):
        load = next(iter(points)).load()
    else:
        own = {point.name for point in entry_points(group=ENTRY_POINTS)}
        known = sorted({f"{key}/{file}" for key, row in FRAMEWORKS.items() for file in row.loaders} | own)
        raise ConfigError(f"BLUEGRID_TYPE: nothing loads {name}; loaders: {', '.join(known)}")
    if gpu and framework.on_gpu:
        load = partial(load, gpu=True)
    elif gpu:
        not_used(framework_name, "its models compute on the CPU")
    if signature is not None:
        load = partial(load, signature=signature)
    return partial(load, trust=trusted_names(model_type, source, trust))


def outlives_fork(model_type: ModelType, *, gpu: bool = False) -> bool:
    """Return whether loaded models also answer in a process that is forked afterwards.

    CUDA's state on a GPU does not outlive a fork.
    """
    framework = framework_of(model_type)
    return framework.outlives_fork and not (gpu and framework.on_gpu)
