"""A model set in Python: publishes the models of a training run from memory.

models = {"line-1": fitted, "line-2": Path("line-2.skops"), "line-3": b"..."}
report = ModelSet.open("g1", store="s3://models/prod").push("v2", models, base="v1")
"""

from __future__ import annotations

import importlib
import os
import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bluegrid_registry.errors import ConfigError, FormatError
from bluegrid_registry.formats.checksums import ChecksumAlgorithm
from bluegrid_registry.formats.example import as_examples
from bluegrid_registry.registry_files.edits.versions import add_version
from bluegrid_registry.registry_files.one_file import load_set
from bluegrid_registry.stores import Store, open_store
from bluegrid_registry.transfer.fetch import FetchedVersion, fetch
from bluegrid_registry.transfer.progress import Progress, ignore
from bluegrid_registry.transfer.push import PushReport, push
from bluegrid_registry.transfer.sources import LazyModels, SourceModel

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from bluegrid_registry.formats.example import AnyExample
    from bluegrid_registry.formats.lineage import Lineage
    from bluegrid_registry.registry_files.model_set_schema import RegistryFile
    from bluegrid_registry.registry_files.version_rows import Version


@dataclass(frozen=True)
class ModelSet:
    """One set of a registry, with the store of its versions."""

    id: str
    registry: Path
    """The folder of registry files."""
    store: Store

    @classmethod
    def open(
        cls, set_id: str, registry: Path | str = "registry", store: Store | str | None = None
    ) -> ModelSet:
        """Return the set.

        Args:
            set_id: the ID of the set.
            registry: the folder of registry files.
            store: a store or its address; None: the address in the environment variable BLUEGRID_STORE.

        Raises:
            RegistryError: there is no such set, or the registry has mistakes.
            ConfigError: the folder or the store does not exist.
        """
        address = os.environ.get("BLUEGRID_STORE") if store is None else store
        if not address:
            raise ConfigError(f"set {set_id}: no store is named; give its address, or set BLUEGRID_STORE")
        load_set(Path(registry), set_id)
        return cls(set_id, Path(registry), open_store(address) if isinstance(address, str) else address)

    @property
    def versions(self) -> tuple[Version, ...]:
        """The versions that the registry declares now, in the order of the file."""
        return tuple(self._file().versions)

    def push(
        self,
        version: str,
        models: Mapping[str, Any] | Iterable[SourceModel],
        *,
        base: str | Version | None = None,
        without: Collection[str] = (),
        algorithm: ChecksumAlgorithm = ChecksumAlgorithm.CRC64NVME,
        examples: Mapping[str, AnyExample | Sequence[AnyExample]] | None = None,
        lineage: Mapping[str, Lineage] | None = None,
        progress: Progress = ignore,
    ) -> PushReport:
        """Publish a version, and add its row to the registry.

        Args:
            version: the new version's ID.
            models: by UID, each the model's bytes, the path of its file or folder, or a fitted model, which
                is serialised right before it is packed. Or `SourceModel`s, such as from a generator.
            base: start from the models of this version: its ID in the registry, or a row, which the registry
                need not have.
            without: UIDs, or patterns such as `line-9*`, of the base's models to leave out.
            algorithm: algorithm of the checksum that is sent with each pack.
            examples: recorded examples by UID, one or several, for the models of a mapping.
            lineage: who trained each model and how good it is, by UID, for the models of a mapping.
            progress: called after each pack.

        Raises:
            BluegridError: as `bluegrid_registry.push`; also when a model cannot be serialised.
        """
        report = push_version(
            self.store,
            self._file(),
            version,
            models,
            base=base,
            without=without,
            algorithm=algorithm,
            examples=examples,
            lineage=lineage,
            progress=progress,
        )
        add_version(self.registry, self.id, report.row)
        return report

    def fetch(
        self,
        version: str,
        into: Path,
        *,
        only: Collection[str] = (),
        cache: Path | None = None,
        progress: Progress = ignore,
    ) -> FetchedVersion:
        """Fetch a version into the folder `into` and verify it; arguments and errors as in `fetch`."""
        file = self._file()
        return fetch(
            self.store,
            self.id,
            version,
            file.version(version).manifest,
            into,
            only=only,
            keys=file.set.public_keys,
            cache=cache,
            progress=progress,
        )

    def _file(self) -> RegistryFile:
        return load_set(self.registry, self.id)


def push_version(
    store: Store,
    file: RegistryFile,
    version: str,
    models: Mapping[str, Any] | Iterable[SourceModel],
    *,
    base: str | Version | None = None,
    without: Collection[str] = (),
    algorithm: ChecksumAlgorithm = ChecksumAlgorithm.CRC64NVME,
    examples: Mapping[str, AnyExample | Sequence[AnyExample]] | None = None,
    lineage: Mapping[str, Lineage] | None = None,
    progress: Progress = ignore,
) -> PushReport:
    """Publish a version of the set that `file` declares; the caller adds the report's row to the registry.

    Args:
        store: the store to publish to.
        file: the set, with its versions.
        version: the new version's ID.
        models: as in `ModelSet.push`.
        base: start from the models of this version, as in `ModelSet.push`.
        without: UIDs, or patterns such as `line-9*`, of the base's models to leave out.
        algorithm: algorithm of the checksum that is sent with each pack.
        examples: recorded examples by UID, one or several, for the models of a mapping.
        lineage: who trained each model and how good it is, by UID, for the models of a mapping.
        progress: called after each pack.

    Raises:
        BluegridError: as `bluegrid_registry.push`; also when a model cannot be serialised.
    """
    declared = file.set
    if isinstance(models, Mapping):
        models = _from_memory(models, examples or {}, lineage or {}, declared.type.file_type)
    return push(
        store,
        declared.id,
        version,
        models,
        model_type=declared.type,
        base=file.version(base) if isinstance(base, str) else base,
        without=without,
        source=declared.source,
        trust=declared.trust,
        is_mixed=declared.kinds == "mixed",
        algorithm=algorithm,
        progress=progress,
    )


def _from_memory(
    models: Mapping[str, Any],
    examples: Mapping[str, AnyExample | Sequence[AnyExample]],
    lineage: Mapping[str, Lineage],
    file_type: str,
) -> Iterable[SourceModel]:
    for argument, given, what in (("examples", examples, "an example"), ("lineage", lineage, "a lineage")):
        if unknown := given.keys() - models.keys():
            fault = f"{min(unknown)} has {what} and no model"
            raise FormatError(f"{argument}: {fault}; correct the UID, or add the model")

    def source(uid: str) -> SourceModel:
        model = models[uid]
        if not isinstance(model, bytes | Path):
            model = _serialised(uid, model, file_type)
        return SourceModel(uid, model, as_examples(examples.get(uid)), lineage=lineage.get(uid))

    return LazyModels(sorted(models), source)


def _serialised(uid: str, model: Any, file_type: str) -> bytes:
    what = f"model {uid}: a {type(model).__name__} cannot be written as {file_type}"
    if file_type == "skops":
        try:
            written: bytes = importlib.import_module("skops.io").dumps(model)
        except ImportError as error:
            raise ConfigError(f"model {uid}: skops needs {error.name}; install it") from None
        return written
    if file_type not in _PICKLES:
        fitted = ", ".join(("skops", *_PICKLES))
        raise ConfigError(f"{what}; give its bytes or its path (fitted models: {fitted})")
    try:
        return pickle.dumps(model)
    # What cannot be named, such as a function within a function, raises any of these.
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ConfigError(f"{what}: {error}; define what it consists of in modules") from error


_PICKLES = ("joblib", "pickle")
"""File types that hold a pickle; `joblib.load` reads any.

`joblib.dump` writes arrays between the opcodes, and needs Python's pickler in Python for that. Of a ridge and
a forest, it takes 4 to 10 times as long as the pickler in C, and loading 2.3 to 3.4 times (2026-11-30).
"""
