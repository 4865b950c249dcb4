"""From an empty folder to models that are proven to answer as they did when they were trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model_registry import fetch, open_store
from model_registry.errors import ConfigError, ModelError
from model_server.loaders import loader_of
from model_server.tensors import DATATYPES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from model_registry.formats.manifest import Example, ModelRow
    from model_registry.transfer.progress import ProgressEvent
    from model_server.loaders import Loader, Model
    from model_server.settings import Settings

Say = Callable[[str], None]

_TELL_EVERY = 100


@dataclass(frozen=True)
class ServedModel:
    """A model that is ready to answer, and the digest of the file that it came from."""

    uid: str
    digest: str
    model: Model


@dataclass(frozen=True)
class ServedVersion:
    """All models of a version."""

    models: Mapping[str, ServedModel]
    examples: int
    """Recorded examples that reproduced."""


def start(settings: Settings, say: Say) -> ServedVersion:
    """Fetch, verify and load a version, and answer its recorded examples.

    Args:
        settings: which version, from where.
        say: told about progress, one line at a time.

    Raises:
        BluegridError: the version cannot be served; the message says why.
    """

    def fetched(event: ProgressEvent) -> None:
        say(f"{settings.place}: {event.models} of {event.models_total} models fetched")

    say(f"{settings.place}: fetching")
    # A type that cannot be loaded, or a trust that makes no sense, is told before anything is fetched.
    loader = loader_of(settings.type, settings.trust)
    store = open_store(settings.store)
    version = fetch(
        store,
        settings.set,
        settings.version,
        settings.manifest,
        settings.models,
        keys=[key.to_public_key() for key in settings.keys],
        progress=fetched,
    )
    if version.manifest.type != settings.type:
        raise ConfigError(
            f"BLUEGRID_TYPE: {settings.type}, but {settings.place} is of {version.manifest.type}"
        )
    rows = version.manifest.models
    say(f"{settings.place}: loading {len(rows)} models")
    models = {}
    # One after the other: building a model from a small file holds the interpreter's lock, so that threads
    # only take turns (measured: twice as slow with four).
    for number, row in enumerate(rows, start=1):
        models[row.uid] = _load(loader, row, version.paths[row.uid], settings.place)
        if number % _TELL_EVERY == 0:
            say(f"{settings.place}: {number} of {len(rows)} models loaded")
    return ServedVersion(models, examples=sum(row.example is not None for row in rows))


def _load(loader: Loader, row: ModelRow, path: Path, place: str) -> ServedModel:
    try:
        model = loader(path)
        if row.example is not None:
            _reproduce(model, row.example)
    except ModelError as error:
        raise ModelError(f"{place}: model {row.uid} {error}") from error
    return ServedModel(row.uid, f"sha256:{row.sha256}", model)


def _reproduce(model: Model, example: Example) -> None:
    expected = np.array(example.outputs, dtype=np.float64)
    spec, *more = model.inputs
    if more:
        raise ModelError(f"has {len(model.inputs)} inputs; recorded examples are for models with one")
    try:
        rows = np.array(example.inputs).astype(DATATYPES[spec.datatype])
        # A column of numbers is as good as a row of them.
        got = next(iter(model.predict({spec.name: rows}).values()))
        got = got.reshape(-1) if got.shape == (len(expected), 1) else got
    # Whatever a framework raises, the model cannot answer its own example.
    except Exception as error:
        raise ModelError(f"cannot answer its recorded example: {type(error).__name__}: {error}") from error
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
