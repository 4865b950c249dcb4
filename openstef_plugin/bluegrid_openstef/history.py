"""The runs of a set's models, as its versions have them: manifests are read once, models as one batch."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from bluegrid_openstef.runs import KnownRun
from bluegrid_registry import Lineage, fetch_bytes, read_manifest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from bluegrid_registry import ModelRow, PublicKey, Store, Version


class RunHistory:
    """The runs that versions of a set have; threads may share it.

    Args:
        store: the store of the versions.
        set_id: the set.
        versions: the versions to read, the newest first.
        keys: if given, one of them must have signed a version whose models are read.
    """

    def __init__(
        self, store: Store, set_id: str, versions: Sequence[Version], keys: Sequence[PublicKey] = ()
    ) -> None:
        self._store, self._set_id, self._versions, self._keys = store, set_id, versions, keys
        self._rows: dict[str, Mapping[str, ModelRow]] = {}
        self._models: dict[str, bytes] = {}
        self._lock = threading.RLock()

    def runs(self, uid: str) -> Iterator[KnownRun]:
        """Yield the runs of a model, the newest first, each once; they end where a version lacks the model.

        Raises:
            BluegridError: a version cannot be read.
        """
        known = set[str]()
        for version in self._versions:
            row = self._rows_of(version).get(uid)
            if row is None:
                return
            lineage = row.lineage or Lineage()
            run_id = lineage.run or row.sha256
            if run_id not in known:
                known.add(run_id)
                yield KnownRun(uid, run_id, lineage, partial(self._content, version, uid))

    def fetch(self, uids: Collection[str] | None = None) -> None:
        """Fetch models of the newest version as one batch, as far as that is not done.

        Args:
            uids: the models; those that the version does not have are passed over. None: all.

        Raises:
            BluegridError: the version cannot be read.
        """
        if not self._versions:
            return
        newest = self._versions[0]
        with self._lock:
            rows = self._rows_of(newest)
            wanted = rows.keys() if uids is None else rows.keys() & {*uids}
            if missing := sorted(wanted - self._models.keys()):
                self._models |= self._fetched(newest, missing if len(missing) < len(rows) else ())

    def _rows_of(self, version: Version) -> Mapping[str, ModelRow]:
        with self._lock:
            if version.id not in self._rows:
                manifest = read_manifest(self._store, self._set_id, version.id, version.manifest)
                self._rows[version.id] = {row.uid: row for row in manifest.models}
            return self._rows[version.id]

    def _content(self, version: Version, uid: str) -> bytes:
        if version != self._versions[0]:
            # Of an older version, OpenSTEF asks for a single model, by the name of its run.
            return self._fetched(version, [uid])[uid]
        with self._lock:
            if uid not in self._models:
                self.fetch()
            return self._models[uid]

    def _fetched(self, version: Version, only: Collection[str]) -> Mapping[str, bytes]:
        return fetch_bytes(
            self._store, self._set_id, version.id, version.manifest, only=only, keys=self._keys
        )
