"""Publishes the version of an update: pushes it to the store, then adds it to the registry by a commit.

Each step can be repeated: stored objects are not sent again, and a row of the registry is added only once.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bluegrid.updates.jobs.update import UpdateResult
from bluegrid.updates.publishing.compatibility import require_compatible
from bluegrid.updates.publishing.store_drop import fetch_drop
from bluegrid.updates.registry_source.registry_editor import RegistryEditor
from bluegrid_registry import (
    SourceModel,
    StoreError,
    VersionConflict,
    add_version,
    models_in_folder,
    read_manifest,
)
from bluegrid_registry.formats.layout import versions_prefix
from bluegrid_registry.model_set import push_version
from bluegrid_registry.registry_files.next_version import next_id
from bluegrid_registry.transfer.changes import has_changes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from bluegrid.updates.jobs.update import Update
    from bluegrid.updates.publishing.training import Training
    from bluegrid.updates.publishing.uploads import Uploads
    from bluegrid.updates.registry_source.source import RegistrySource
    from bluegrid_registry import DeclaredSet, Progress, PushReport, RegistryFile, Store

ATTEMPTS = 5
"""Attempts with further version IDs, while others publish versions of the same set."""


@dataclass(frozen=True)
class Publisher:
    """Makes versions.

    Attributes:
        source: the registry.
        store: the store of the versions.
        uploads: the models that were sent.
        training: runs trainers.
        scratch: folder for unpacked archives.
    """

    source: RegistrySource
    store: Store
    uploads: Uploads
    training: Training
    scratch: Path

    def publish(
        self,
        update: Update,
        choose: Callable[[str], None],
        require_wanted: Callable[[], None],
        progress: Progress,
    ) -> UpdateResult | None:
        """Make the version that an update requests; return None if its trainer has changed nothing.

        Args:
            update: the update; a version ID that was chosen before stays.
            choose: is called with the version's ID before anything is sent.
            require_wanted: is called regularly while models are trained; its errors end the training.
            progress: is called after each pack.

        Raises:
            BluegridError: the version cannot be made; the registry is unchanged.
        """
        if update.wanted.train is not None:
            # Trains again only if the trained models were deleted meanwhile.
            self.train(update, require_wanted)
            if self._is_unchanged(update):
                return None
        taken = set[str]()
        for attempt in range(1, ATTEMPTS + 1):
            # The registry is not held during the push, which may take minutes: switches must not wait.
            with self.source.known():
                file = self._file(update.set)
            version = update.version or self._next_version(file, taken)
            choose(version)
            # The next attempt uses the same ID, so stored objects are not sent again.
            update = update.model_copy(update={"version": version})
            try:
                report = self._push(update, file, version, progress)
                commit = self._declare(update, report)
            except VersionConflict:
                # Another push may have used the next ID first; an ID of the request stays.
                if update.wanted.version is not None or attempt == ATTEMPTS:
                    raise
                taken.add(version)
                update = update.model_copy(update={"version": None})
            else:
                return UpdateResult(
                    manifest=report.manifest,
                    models=report.models,
                    sent_models=report.sent_models,
                    sent_bytes=report.sent_bytes,
                    commit=commit,
                )
        raise AssertionError("the last attempt returns or raises")

    def train(self, update: Update, require_wanted: Callable[[], None]) -> None:
        """Have the set's trainer make the models of an update, unless an earlier attempt has done so.

        Training may take hours, so the registry is not held.

        Args:
            update: an update with `train`.
            require_wanted: is called regularly; its errors end the trainer.

        Raises:
            BluegridError: the trainer failed, or there is none.
        """
        with self.source.known():
            file = self._file(update.set)
        self.training.run(update, file, require_wanted)

    def _is_unchanged(self, update: Update) -> bool:
        """Whether the trainer of an update has left no model, or only models that equal those of the base.

        A version that was requested by its ID is made all the same. So is a version whose ID was chosen
        before the server was killed, since it may be in the store.
        """
        request = update.wanted
        if request.base is None or request.without or update.version is not None:
            return False
        with self.source.known():
            file = self._file(update.set)
        manifest = read_manifest(self.store, update.set, request.base, file.version(request.base).manifest)
        with self._models(update, file.set) as models:
            return not has_changes(manifest, models)

    def _declare(self, update: Update, report: PushReport) -> str | None:
        """Add the version to the registry; return the commit, if there is one."""

        def edit(folder: Path) -> None:
            self.source.valid().require(update.set)
            add_version(folder, update.set, report.row)

        reason = f"Requested by {update.author}, update {update.id}."
        return RegistryEditor(self.source, update.author, reason).change(_subject(update, report), edit)

    def _push(self, update: Update, file: RegistryFile, version: str, progress: Progress) -> PushReport:
        request = update.wanted
        with self._models(update, file.set) as models:
            if file.versions and not request.incompatible:
                base = file.version(request.base) if request.base else file.versions[-1]
                require_compatible(self.store, file, base, models)
            return push_version(
                self.store,
                file,
                version,
                models,
                base=request.base,
                without=request.without,
                progress=progress,
            )

    @contextmanager
    def _models(self, update: Update, declared: DeclaredSet) -> Iterator[Sequence[SourceModel]]:
        request, model_type = update.wanted, declared.type
        ignore = declared.update.ignore if declared.update else ()
        if request.train is not None:
            trained = self.training.trained(update)
            yield models_in_folder(trained, model_type, ignore, may_be_empty=request.base is not None)
            return
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            if request.batch is not None:
                unpacked = self.uploads.unpack(request.batch, Path(folder))
                yield models_in_folder(unpacked, model_type, ignore)
            elif request.path is not None:
                fetched = fetch_drop(self.store, request.path, Path(folder), self.uploads.max_bytes)
                yield models_in_folder(fetched, model_type, ignore)
            elif model_type.is_folder:
                yield [
                    SourceModel(
                        uid,
                        self.uploads.unpack(digest, Path(folder, str(number))),
                        lineage=request.lineage.get(uid),
                    )
                    for number, (uid, digest) in enumerate(request.models.items())
                ]
            else:
                yield [
                    SourceModel(uid, self.uploads.path(digest), lineage=request.lineage.get(uid))
                    for uid, digest in request.models.items()
                ]

    def _next_version(self, file: RegistryFile, taken: Collection[str]) -> str:
        """Return the ID after the highest in the registry, and in the store if an ID was taken."""
        known = [*(version.id for version in file.versions), *taken]
        if taken:
            prefix = versions_prefix(file.set.id)
            # Only if necessary: credentials that can write are not always allowed to list.
            with suppress(StoreError):
                known += (
                    key.key.removeprefix(prefix).removesuffix(".json") for key in self.store.keys(prefix)
                )
        return next_id(known)

    def _file(self, set_id: str) -> RegistryFile:
        return self.source.valid().registry.of_set(set_id)


def _subject(update: Update, report: PushReport) -> str:
    base = f" from {update.wanted.base}" if update.wanted.base else ""
    sent = f"{report.sent_models} of {report.models} models sent"
    return f"{report.set}: version {report.version}{base}, {sent}"
