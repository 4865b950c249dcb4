"""Versions of a model set, where OpenSTEF would use MLflow.

    storage = BluegridStorage(set_id="load", store="s3://models/grid")
    with storage:
        for target in targets:
            config = ForecastingWorkflowConfig(model_id=target, model="gblinear", mlflow_storage=storage)
            create_forecasting_workflow(config).fit(data_of(target))

A run over all targets makes one version: at the end of the block, or by `storage.publish()`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import PrivateAttr

from bluegrid_openstef.collecting_storage import CollectingStorage, log
from bluegrid_openstef.file_type import TYPE
from bluegrid_openstef.history import RunHistory
from bluegrid_registry import (
    ConfigError,
    ModelSet,
    SourceModel,
    Version,
    VersionConflict,
    load_set,
    read_commit,
    verify_signature,
)
from bluegrid_registry.counts import counted
from bluegrid_registry.registry_files.next_version import next_id

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from bluegrid_registry import DeclaredSet, PushReport, RegistryFile

ATTEMPTS = 5
"""Attempts with further version IDs, while others publish versions of the same set."""


class BluegridStorage(CollectingStorage):
    """The versions of a model set, in place of `MLFlowStorage`: `ForecastingWorkflowConfig.mlflow_storage`.

    What workflows train is collected in memory, and published as one version, which has all other models
    of the newest version. What they load comes from the newest version: its manifest is read once, its
    models are fetched as one batch, and both stay in memory, until `refresh` or the next `with` block.

    Attributes:
        set_id: the model set, of the type `openstef/joblib`.
        registry: the folder of registry files.
        store: the store's address; None: that in the environment variable BLUEGRID_STORE.
        version: the version to load models from; None: the newest, on which new versions are based anyway.

    Raises:
        BluegridError: the set, the version or the store does not exist, or the set is of another type.
    """

    registry: Path = Path("registry")
    store: str | None = None
    version: str | None = None

    _set: ModelSet = PrivateAttr()
    _began: datetime = PrivateAttr()
    """When the registry was read; in whole seconds, as the time of a commit."""

    def model_post_init(self, context: Any) -> None:
        """Find the set and the store."""
        super().model_post_init(context)
        self._set = ModelSet.open(self.set_id, self.registry, self.store)
        self.refresh()

    def refresh(self) -> None:
        """Read from the version that is the newest now; what is collected stays.

        Raises:
            BluegridError: the registry has mistakes, or the version to read is gone.
        """
        self._began = datetime.now(UTC).replace(microsecond=0)
        file = self._file()
        if file.set.type != TYPE:
            what = f"set {self.set_id} holds {file.set.type}, and OpenSTEF's models are {TYPE}"
            raise ConfigError(f"{what}; name a set of this type")
        versions = _newest_first(file, self.version)
        history = RunHistory(self._set.store, self.set_id, versions, file.set.public_keys)
        self.read_from(history, file.set.trust)

    def publish(self, version: str | None = None) -> PushReport | None:
        """Make a version of what has been trained, and add its row to the registry.

        Its other models are those of the newest version. If the next ID is taken in the store, by a version
        that has been published since the registry was read, they are those of that version, which the
        registry need not name. With an ID of the caller, only the registry's versions are known.

        Args:
            version: its ID; None: the next, `v8` after `v7`.

        Returns:
            The report; None: nothing has been trained, so there is no new version.

        Raises:
            BluegridError: as `ModelSet.push`; also if the set has keys, and none has signed the version that
                only the store has. What has been trained stays, to be published again.
        """
        with self._lock:
            if not self._trained:
                log.info("set %s: nothing has been trained, nothing is published", self.set_id)
                return None
            report = self._push(version)
            self._trained.clear()
            self.refresh()
        sent = f"{report.sent_models} of {counted(report.models, 'model')} sent"
        log.info("set %s version %s: %s", self.set_id, report.version, sent)
        return report

    def __enter__(self) -> Self:
        self.refresh()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        """Publish what has been trained; after an exception nothing, and `publish` can still do it."""
        if kind is None:
            self.publish()

    def __reduce__(self) -> Any:
        """Return how another process makes such a storage: with the same settings, and nothing collected."""
        settings = {name: getattr(self, name) for name in self.model_fields_set}
        return partial(type(self), **settings), ()

    def _push(self, version: str | None) -> PushReport:
        models = [
            SourceModel(uid, model.content, lineage=model.lineage, names=model.names)
            for uid, model in self._trained.items()
        ]
        taken = list[str]()
        newest: Version | None = None
        base: Version | None = None
        while True:
            file = self._file()
            if file.newest != newest or not taken:
                # At first, and if another process has added a row to this folder.
                newest = base = file.newest
            else:
                base = self._published_meanwhile(file.set, taken[-1]) or base
            name = version or next_id([*(each.id for each in file.versions), *taken])
            try:
                return self._set.push(name, models, base=base)
            except VersionConflict:
                # Another push has used the ID first.
                taken.append(name)
                if version is not None or len(taken) == ATTEMPTS:
                    raise

    def _published_meanwhile(self, declared: DeclaredSet, version_id: str) -> Version | None:
        """Return a version that only the store has; None: it was there before the registry was read.

        Its row may then have been removed from the registry, and its models must not come back.
        """
        store = self._set.store
        commit = read_commit(store, self.set_id, version_id)
        published = f"published at {commit.time:%Y-%m-%d %H:%M}Z by {commit.author}"
        about = f"set {self.set_id} version {version_id}: {published}"
        if commit.time < self._began:
            fault = f"before this run, and {self.registry / self.set_id}.yaml does not name it"
            log.warning("%s, %s: its models are left out; pull the registry before a run", about, fault)
            return None
        log.info("%s, during this run: the next version has its models", about)
        if keys := declared.public_keys:
            # No row of the registry, which somebody has reviewed, pins it.
            verify_signature(store, self.set_id, version_id, commit.manifest, keys)
        return Version(id=version_id, manifest=commit.manifest, updated=commit.time)

    def _file(self) -> RegistryFile:
        return load_set(self.registry, self.set_id)


def _newest_first(file: RegistryFile, pinned: str | None) -> list[Version]:
    """Return the versions of a set back from the newest, or from the pinned one."""
    if pinned is not None:
        file.version(pinned)
    ordered = sorted(enumerate(file.versions), key=lambda row: (row[1].updated, row[0]), reverse=True)
    versions = [version for _, version in ordered]
    start = next((place for place, each in enumerate(versions) if each.id == pinned), 0)
    return versions[start:]
