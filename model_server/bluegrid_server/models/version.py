"""One version: fetch it, load its models, and compare their answers with recorded examples."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from enum import Enum
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import structlog

from bluegrid_registry import fetch, open_store
from bluegrid_registry.errors import BluegridError, ConfigError, ModelError
from bluegrid_server.frameworks.compiler import TREES, accelerated, compiler_of
from bluegrid_server.frameworks.errors import describe
from bluegrid_server.frameworks.model import check_interface, outputs_of
from bluegrid_server.frameworks.on_demand import LoaderOnDemand, ModelOnDemand
from bluegrid_server.frameworks.supported import framework_of, loader_of, reader_of
from bluegrid_server.frameworks.tree_model import TreeModel
from bluegrid_server.models.as_data import DataModels, LenientReader, check_alike, without_collections
from bluegrid_server.models.reproduce import reproduce

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bluegrid_registry import AnyExample
    from bluegrid_registry.formats.manifest import ModelRow
    from bluegrid_registry.model_types.signature import ModelSignature
    from bluegrid_registry.transfer.progress import ProgressEvent
    from bluegrid_server.frameworks.compiler import Compiler
    from bluegrid_server.frameworks.model import Model
    from bluegrid_server.frameworks.supported import Loader
    from bluegrid_server.settings import Settings

Say = Callable[[str], None]


class AsData(Enum):
    """Which models are read as data, without their framework (ADR 48)."""

    NONE = "none"
    """The framework loads all models."""
    COMPARED = "compared"
    """The framework loads all models, and those that are read as data are compared with them: a preflight."""
    RELIED_ON = "relied on"
    """All models that can be read as data, because a preflight has compared them."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model that is ready to answer, and the digest of its file."""

    uid: str
    digest: str
    model: Model
    acceleration: str | None = None
    """How the model is compiled, or why it is not; None: not known here, or nothing is compiled."""
    defaults: tuple[str, ...] = ()
    """Names of the outputs for requests that name none; empty: the outputs that are not on request."""
    refuses_non_finite: bool = False
    """Whether an output that is not finite is an error; otherwise it is null in JSON."""

    def predict(
        self, inputs: Mapping[str, NDArray[Any]], names: Collection[str], on_request: Collection[str]
    ) -> Mapping[str, NDArray[Any]]:
        """Return at least the named outputs; `on_request` are those of them that are on request."""
        return outputs_of(self.model, inputs, names, on_request)


@dataclass(frozen=True)
class LoadableVersion:
    """A version's verified files, and their loader."""

    rows: Mapping[str, ModelRow]
    """Rows of the manifest by UID."""
    paths: Mapping[str, Path]
    """The model's file or folder by UID."""
    loader: Loader
    data_models: DataModels | None = None
    """The models that are read as data instead; None: the loader loads them all."""
    compared: LenientReader | None = None
    """Reads models as data, to compare them with those of the loader; None: they are not compared."""
    compiler: Compiler | None = None
    """Compiler of the models; None: they are not compiled."""
    signature: ModelSignature | None = None
    """What the models have in common, as the push has recorded it; None: not known."""
    outputs: tuple[str, ...] = ()
    """Names of the outputs that the set chooses; empty: what each model gives by default."""
    refuses_non_finite: bool = False
    """Whether the set refuses outputs that are not finite."""
    examples: Mapping[str, Sequence[AnyExample]] = field(default_factory=dict)
    """The recorded examples by UID, of the models that have any."""

    @property
    def imports_later(self) -> bool:
        """Whether requests may need the framework for models that are data, and it is not imported yet."""
        is_needed = self.data_models is not None and self.data_models.need_framework
        return is_needed and isinstance(self.loader, LoaderOnDemand) and not self.loader.is_imported

    def import_framework(self) -> None:
        """Import the framework, if it is to be imported later."""
        if self.imports_later and isinstance(self.loader, LoaderOnDemand):
            self.loader.prepare()


def fetch_version(settings: Settings, say: Say, as_data: AsData = AsData.NONE) -> LoadableVersion:
    """Fetch and verify a version.

    Args:
        settings: of the pod; they name the version and the store.
        say: called with each line of progress.
        as_data: which models are read as data while they are fetched.

    Raises:
        BluegridError: the version cannot be served; the message says why.
    """

    def progress(event: ProgressEvent) -> None:
        say(f"{settings.place}: {event.models} of {event.models_total} models fetched")

    say(f"{settings.place}: fetching")
    make_loader = partial(
        loader_of,
        settings.type,
        settings.trust,
        source=settings.source,
        gpu=settings.gpu > 0,
        signature=settings.signature,
    )
    read = _reader(settings) if as_data is not AsData.NONE else None
    data_models = DataModels(read) if read is not None and as_data is AsData.RELIED_ON else None
    make_compiler = partial(compiler_of, settings.type, onnx=settings.accelerate == "onnx")
    if data_models is None:
        # First, so that an unknown type or an invalid `trust` is reported before anything is fetched.
        loader = make_loader()
        compiler = make_compiler() if _is_compiled(settings) else None
    else:
        loader = LoaderOnDemand(make_loader)
        compiler = _deferred(make_compiler) if _is_compiled(settings) else None
    with nullcontext() if data_models is None else without_collections():
        version = fetch(
            open_store(settings.store),
            settings.set,
            settings.version,
            settings.manifest,
            settings.models,
            shard=settings.shard,
            keys=[key.to_public_key() for key in settings.keys],
            progress=progress,
            keeps=None if data_models is None else data_models.needs_file,
        )
    if version.manifest.type != settings.type:
        raise ConfigError(
            f"BLUEGRID_TYPE: {settings.type}, but {settings.place} is of {version.manifest.type}"
        )
    return LoadableVersion(
        {row.uid: row for row in version.manifest.models if row.uid in version.paths},
        version.paths,
        loader,
        data_models,
        read if as_data is AsData.COMPARED else None,
        compiler,
        version.manifest.signature,
        settings.outputs,
        settings.refuses_non_finite,
        version.examples,
    )


def _reader(settings: Settings) -> LenientReader | None:
    # Loaded on request or for a GPU, models stay with their framework; only frameworks have signatures.
    if settings.load != "eager" or settings.gpu or settings.signature is not None:
        return None
    read = reader_of(settings.type, settings.trust, source=settings.source)
    return None if read is None else LenientReader(read, settings.type, reads_trees=_is_compiled(settings))


def _deferred(make: Callable[[], Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """Return a function that is made when it is first called: its imports take seconds."""
    made = cache(make)
    return lambda argument: made()(argument)


def _is_compiled(settings: Settings) -> bool:
    """Whether models are compiled where they can be."""
    if settings.accelerate is not None:
        return settings.accelerate != "none"
    framework = framework_of(settings.type)
    # A cluster that asks for a GPU is to use it; compiled models would not.
    return framework.compiler is not None and not (settings.gpu > 0 and framework.on_gpu)


def load(version: LoadableVersion, uid: str) -> ServedModel:
    """Load a model; raise ModelError on failure, whose message continues after "model <uid>"."""
    row, acceleration = version.rows[uid], None
    path, examples = version.paths[uid], version.examples.get(uid, ())
    model = None if version.data_models is None else version.data_models.get(row.sha256, path)
    if isinstance(model, TreeModel):
        load_it = partial(_loaded, version.loader, path)
        original = ModelOnDemand(load_it, model.inputs, model.outputs)
        model, acceleration = _as_compiled(model, original, examples), TREES
    if model is None:
        model, acceleration = _loaded(version.loader, path), None
    if version.compiler is not None and not isinstance(model, TreeModel):
        prove = partial(reproduce, examples=examples)
        model, acceleration = accelerated(model, version.compiler, prove)
    if version.compared is not None:
        read = version.compared(path.read_bytes())
        check_alike(_as_compiled(read, model, examples) if isinstance(read, TreeModel) else read, model)
    if version.outputs:
        check_outputs(model, version.outputs)
    return ServedModel(
        uid, f"sha256:{row.sha256}", model, acceleration, version.outputs, version.refuses_non_finite
    )


def _as_compiled(read: TreeModel, original: Model, examples: Sequence[AnyExample]) -> TreeModel | None:
    """Return a model that was read as data, with its original; None if it misses its recorded examples.

    A compiled model that misses them is not used either: where exp is the last step, one bit may differ.
    """
    model = TreeModel(read.table, read.inputs, read.outputs, original)
    try:
        reproduce(model, examples)
    except ModelError:
        return None
    return model


def _loaded(loader: Loader, path: Path) -> Model:
    try:
        model = loader(path)
    except (BluegridError, MemoryError):
        raise
    # Loaders may be of other packages; a file can make any of them raise any exception.
    except Exception as error:
        structlog.get_logger().error("loader failed", exc_info=error)
        raise ModelError(f"cannot be loaded: {describe(error)}") from error
    check_interface(model)
    return model


def check_outputs(model: Model, names: Collection[str]) -> None:
    """Raise ModelError, whose message continues after "model <uid>", if the model lacks a named output."""
    there = [spec.name for spec in model.outputs]
    if missing := [name for name in names if name not in there]:
        raise ModelError(
            f"has no output {missing[0]!r}, which the set's `outputs` names; it gives {', '.join(there)}"
        )
