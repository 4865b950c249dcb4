"""One version: fetch it, load its models, and compare their answers with recorded examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import structlog

from bluegrid_registry import fetch, open_store
from bluegrid_registry.errors import BluegridError, ConfigError, ModelError
from bluegrid_server.frameworks.compiler import accelerated, compiler_of
from bluegrid_server.frameworks.errors import describe
from bluegrid_server.frameworks.model import check_interface
from bluegrid_server.frameworks.supported import loader_of
from bluegrid_server.protocol.tensors import DATATYPES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from bluegrid_registry.formats.example import Example
    from bluegrid_registry.formats.manifest import ModelRow
    from bluegrid_registry.transfer.progress import ProgressEvent
    from bluegrid_server.frameworks.compiler import Compiler
    from bluegrid_server.frameworks.model import Model, ModelWithMore
    from bluegrid_server.frameworks.supported import Loader
    from bluegrid_server.settings import Settings

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model that is ready to answer, and the digest of its file."""

    uid: str
    digest: str
    model: Model
    acceleration: str | None = None
    """"onnx", or why the model is not compiled; None if acceleration is off."""
    defaults: tuple[str, ...] = ()
    """Names of the outputs for requests that name none; empty: the outputs that are not on request."""
    refuses_non_finite: bool = False
    """Whether an output that is not finite is an error; otherwise it is null in JSON."""

    def predict(
        self, inputs: Mapping[str, NDArray[Any]], names: Collection[str], on_request: Collection[str]
    ) -> Mapping[str, NDArray[Any]]:
        """Return at least the named outputs; `on_request` are those of them that are on request."""
        if not on_request:
            return self.model.predict(inputs)
        more = cast("ModelWithMore", self.model).on_request(inputs, on_request)
        return more if len(on_request) == len(names) else {**self.model.predict(inputs), **more}


@dataclass(frozen=True)
class LoadableVersion:
    """A version's verified files, and their loader."""

    rows: Mapping[str, ModelRow]
    """Rows of the manifest by UID."""
    paths: Mapping[str, Path]
    """The model's file or folder by UID."""
    loader: Loader
    compiler: Compiler | None = None
    """Compiler of the models; None: they are not compiled."""
    outputs: tuple[str, ...] = ()
    """Names of the outputs that the set chooses; empty: what each model gives by default."""
    refuses_non_finite: bool = False
    """Whether the set refuses outputs that are not finite."""

    @property
    def examples(self) -> int:
        """Number of models that have recorded examples."""
        return sum(row.example is not None for row in self.rows.values())


def fetch_version(settings: Settings, say: Say) -> LoadableVersion:
    """Fetch and verify a version.

    Args:
        settings: of the pod; they name the version and the store.
        say: called with each line of progress.

    Raises:
        BluegridError: the version cannot be served; the message says why.
    """

    def progress(event: ProgressEvent) -> None:
        say(f"{settings.place}: {event.models} of {event.models_total} models fetched")

    say(f"{settings.place}: fetching")
    # First, so that an unknown type or an invalid `trust` is reported before anything is fetched.
    loader = loader_of(
        settings.type,
        settings.trust,
        source=settings.source,
        gpu=settings.gpu > 0,
        signature=settings.signature,
    )
    compiler = compiler_of(settings.type) if settings.accelerate else None
    version = fetch(
        open_store(settings.store),
        settings.set,
        settings.version,
        settings.manifest,
        settings.models,
        keys=[key.to_public_key() for key in settings.keys],
        progress=progress,
    )
    if version.manifest.type != settings.type:
        raise ConfigError(
            f"BLUEGRID_TYPE: {settings.type}, but {settings.place} is of {version.manifest.type}"
        )
    return LoadableVersion(
        {row.uid: row for row in version.manifest.models},
        version.paths,
        loader,
        compiler,
        settings.outputs,
        settings.refuses_non_finite,
    )


def load(version: LoadableVersion, uid: str) -> ServedModel:
    """Load a model; raise ModelError on failure, whose message continues after "model <uid>"."""
    row, acceleration = version.rows[uid], None
    model = _loaded(version.loader, version.paths[uid])
    if version.compiler is not None:
        model, acceleration = accelerated(model, version.compiler, partial(_prove, row.example))
    if version.outputs:
        check_outputs(model, version.outputs)
    return ServedModel(
        uid, f"sha256:{row.sha256}", model, acceleration, version.outputs, version.refuses_non_finite
    )


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


def _prove(example: Example | None, model: Model) -> None:
    if example is not None:
        reproduce(model, example)


def reproduce(model: Model, example: Example) -> None:
    """Let a model answer its recorded example; raise ModelError if the answer differs."""
    expected = np.array(example.outputs, dtype=np.float64)
    spec, *more = model.inputs
    if more:
        raise ModelError(f"has {len(model.inputs)} inputs; recorded examples are for models with one")
    rows = np.array(example.inputs).astype(DATATYPES[spec.datatype])
    if len(spec.shape) == 2 and spec.shape[1] not in (-1, rows.shape[1]):
        raise ModelError(
            f"takes {spec.shape[1]} features, its recorded example has {rows.shape[1]}; record it again"
        )
    try:
        # Outputs of shape (n, 1) count as (n,).
        got = next(iter(model.predict({spec.name: rows}).values()))
        got = got.reshape(-1) if got.shape == (len(expected), 1) else got
    # Any exception of a framework means that the model cannot answer its example.
    except Exception as error:
        raise ModelError(f"cannot answer its recorded example: {describe(error)}") from error
    if got.shape != expected.shape or got.dtype.kind not in "fiub":
        raise ModelError(
            f"answers its recorded example with {got.dtype} of shape {got.shape}, "
            f"recorded were numbers of shape {expected.shape}: "
            "push a model that gives one number a row"
        )
    wrong = ~np.isclose(got, expected, rtol=example.rtol, atol=example.atol)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ModelError(
            f"does not reproduce its recorded example: row {row}: expected {expected[row]!s}, "
            f"got {got[row]!s} (rtol {example.rtol}, atol {example.atol}): "
            "train and push it with the library versions of the image"
        )
