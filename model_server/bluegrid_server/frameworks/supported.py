"""The supported frameworks, one row each, and plug-ins, which other packages add by entry points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from bluegrid_registry.errors import ConfigError
from bluegrid_registry.model_types.allowlist import trusted_names
from bluegrid_registry.names import Source
from bluegrid_server.frameworks.errors import describe
from bluegrid_server.frameworks.gpu import not_used
from bluegrid_server.frameworks.model import Model
from bluegrid_server.frameworks.plugin import FrameworkPlugin
from bluegrid_server.hidden import hidden

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bluegrid_registry.model_types.model_type import ModelType

ENTRY_POINTS = "bluegrid.loaders"
"""Group of the entry points."""

Loader = Callable[[Path], Model]
"""Loads one file; raises ModelError, whose message continues after "model <uid>"."""

Reader = Callable[[bytes], Model]
"""Reads the bytes of one file as data, in any thread. Raises NotDataError or NotCompiledError if its
framework is to load the file, and any exception if the file is damaged."""


@dataclass(frozen=True)
class Framework:
    """Facts about a framework that the server needs before it imports the framework's modules.

    Attributes:
        loaders: by file type, the module in this package whose `load(path, trust)` loads such files.
        extra: of bluegrid-server, which installs the packages that the loaders import.
        outlives_fork: whether loaded models also answer in processes that are forked afterwards, because the
            framework has no threads.
        on_gpu: whether models compute on a GPU if there is one; the loaders take the argument `gpu`.
        has_signatures: whether a model has several signatures, of which a set chooses one; the loaders take
            the argument `signature`.
        readers: by file type, the module in this package that reads such files as data, without the
            framework: `reader(trust)` returns a `Reader`.
        compiler: the module in this package that compiles the models; None: no compiler.
        needs_pandas: whether the framework itself computes with pandas.
        fallbacks: names of the fallback models whose outputs models may return.
    """

    loaders: Mapping[str, str]
    extra: str
    outlives_fork: bool = False
    on_gpu: bool = False
    has_signatures: bool = False
    readers: Mapping[str, str] = field(default_factory=dict)
    compiler: str | None = None
    needs_pandas: bool = False
    fallbacks: tuple[str, ...] = ()


FRAMEWORKS: Mapping[str, Framework] = {
    "scikit-learn": Framework(
        {
            "skops": "scikit_learn.load_skops",
            "joblib": "scikit_learn.load_pickle",
            "pickle": "scikit_learn.load_pickle",
        },
        extra="scikit-learn",
        outlives_fork=True,
        readers={
            "skops": "scikit_learn.data.read_skops",
            "joblib": "scikit_learn.data.read_pickle",
            "pickle": "scikit_learn.data.read_pickle",
        },
        compiler="scikit_learn.compiler",
    ),
    "onnx": Framework({"onnx": "onnx.load"}, extra="onnx", outlives_fork=True, on_gpu=True),
    "xgboost": Framework(
        {"ubj": "xgboost.load", "json": "xgboost.load"},
        extra="xgboost",
        outlives_fork=True,
        on_gpu=True,
        readers={"ubj": "xgboost.read_data", "json": "xgboost.read_data"},
        compiler="xgboost.compiler",
    ),
    "lightgbm": Framework(
        {"txt": "lightgbm.load"},
        extra="lightgbm",
        outlives_fork=True,
        readers={"txt": "lightgbm.read_data"},
        compiler="lightgbm.compiler",
    ),
    "catboost": Framework({"cbm": "catboost.load"}, extra="catboost", outlives_fork=True, needs_pandas=True),
    "tensorflow": Framework(
        {"savedmodel": "tensorflow.load_saved_model"}, extra="tensorflow", on_gpu=True, has_signatures=True
    ),
    "keras": Framework(
        {"keras": "tensorflow.load_keras", "h5": "tensorflow.load_keras"}, extra="tensorflow", on_gpu=True
    ),
    "spark": Framework({"spark": "spark.load"}, extra="spark"),
}


def framework_of(model_type: ModelType) -> Framework:
    """Return the row of a model type's framework, or what a plug-in says of its framework.

    Raises:
        ConfigError: the plug-in is not usable.
    """
    if (row := _row_of(model_type)) is not None:
        return row
    plugin = _plugin_of(model_type)
    if plugin is None:
        return Framework({}, extra="")
    return Framework(
        {},
        extra="",
        outlives_fork=plugin.outlives_fork,
        on_gpu=plugin.on_gpu,
        has_signatures=plugin.has_signatures,
        fallbacks=plugin.fallbacks,
    )


def _row_of(model_type: ModelType) -> Framework | None:
    # A package may add another file type to a framework: then the row says nothing of its models.
    row = FRAMEWORKS.get(model_type.framework)
    return row if row is not None and model_type.file_type in row.loaders else None


def _plugin_of(model_type: ModelType) -> FrameworkPlugin | None:
    """Return the plug-in for a model type; raise ConfigError if it is not usable."""
    points = tuple(entry_points(group=ENTRY_POINTS, name=str(model_type)))
    if not points:
        return None
    point, *others = points
    where = f"BLUEGRID_TYPE: the entry point {point.name} of {ENTRY_POINTS}"
    if others:
        values = ", ".join(each.value for each in points)
        raise ConfigError(f"{where} is in several packages: {values}; remove all packages but one")
    try:
        value = point.load()
    # Any exception of the package means that its module cannot be imported.
    except Exception as error:
        raise ConfigError(f"{where}: {point.value}: {describe(error)}; fix or remove its package") from error
    if isinstance(value, FrameworkPlugin):
        return value
    if not callable(value):
        raise ConfigError(
            f"{where}: {point.value} is neither a FrameworkPlugin nor a function; fix or remove its package"
        )
    return FrameworkPlugin(value)


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
        signature: of the models, which to serve; most types have none.

    Raises:
        ConfigError: this image has no loader for the type, or the type has no signatures.
    """
    name, framework = str(model_type), framework_of(model_type)
    if model_type.file_type in framework.loaders:
        try:
            # Frameworks import pandas if they can. It takes 37 MB, and only models that take tables need it.
            with nullcontext() if framework.needs_pandas else hidden("pandas"):
                load = import_module(module_of(framework.loaders[model_type.file_type])).load
        except ImportError as error:
            raise ConfigError(
                f"type {name}: cannot be loaded here: {error}; use an image with this extra, or "
                f"pip install 'bluegrid-server[{framework.extra}]'"
            ) from None
    elif (plugin := _plugin_of(model_type)) is not None:
        load = plugin.load
    else:
        own = {point.name for point in entry_points(group=ENTRY_POINTS)}
        known = sorted({f"{key}/{file}" for key, row in FRAMEWORKS.items() for file in row.loaders} | own)
        raise ConfigError(f"BLUEGRID_TYPE: nothing loads {name}; loaders: {', '.join(known)}")
    if gpu and framework.on_gpu:
        load = partial(load, gpu=True)
    elif gpu:
        not_used(model_type.framework, "its models compute on the CPU")
    if signature is not None:
        if not framework.has_signatures:
            raise ConfigError(
                f"BLUEGRID_SIGNATURE: models of type {name} have no signatures; remove the set's `signature`"
            )
        load = partial(load, signature=signature)
    return partial(load, trust=trusted_names(model_type, source, trust))


def reader_of(
    model_type: ModelType, trust: Iterable[str] = (), *, source: Source = Source.PLATFORM
) -> Reader | None:
    """Return what reads models of a type as data; None: the framework loads them all.

    Args:
        model_type: the set's type.
        trust: skops types or pickle globals that the set trusts.
        source: owner of the set.
    """
    row = _row_of(model_type)
    name = row.readers.get(model_type.file_type) if row is not None else None
    if name is None:
        return None
    try:
        reader: Reader = import_module(module_of(name)).reader(trusted_names(model_type, source, trust))
    except PackageNotFoundError:
        # Then the loader says what this image lacks.
        return None
    return reader


def is_plugin(model_type: ModelType) -> bool:
    """Return whether models of a type are loaded by another package, if by any."""
    return _row_of(model_type) is None


def outlives_fork(model_type: ModelType, *, gpu: bool = False) -> bool:
    """Return whether loaded models also answer in a process that is forked afterwards.

    CUDA's state on a GPU does not outlive a fork. For a plug-in that is not usable, the answer is no;
    `loader_of` then says why.
    """
    try:
        framework = framework_of(model_type)
    except ConfigError:
        return False
    return framework.outlives_fork and not (gpu and framework.on_gpu)


def fallbacks_of(model_type: ModelType) -> tuple[str, ...]:
    """Return the names of the fallback models that may answer in place of models of a type.

    For a plug-in that is not usable there are none; `loader_of` then says why.
    """
    try:
        return framework_of(model_type).fallbacks
    except ConfigError:
        return ()
