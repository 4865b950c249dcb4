"""bluegrid, called as its users call it from Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from benchmarks.rows import OURS
from benchmarks.transfer.clients import Client
from benchmarks.transfer.payload import SUFFIX
from benchmarks.transfer.server import BUCKET, REGION
from bluegrid_registry import (
    ModelType,
    Source,
    Store,
    fetch,
    fetch_bytes,
    models_in_folder,
    open_store,
    push,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchmarks.transfer.payload import Payload
    from bluegrid_registry import PushReport, SourceModel, Version

VERSION = "v1"
_PREFIX = "ours"
MODEL_TYPE = ModelType.parse("scikit-learn/skops")


def store_at(endpoint: str) -> Store:
    """Return the store of all sets, whose server is usually known from an earlier push."""
    return open_store(f"s3://{BUCKET}/{_PREFIX}?endpoint={endpoint}&region={REGION}")


def publish(
    store: Store, set_id: str, version_id: str, models: Iterable[SourceModel], base: Version | None = None
) -> PushReport:
    """Push as `bluegrid push` does, with every model checked."""
    return push(
        store,
        set_id,
        version_id,
        models,
        model_type=MODEL_TYPE,
        base=base,
        source=Source.PLATFORM,
        trust=("builtins.bytes",),
    )


def folder_of(set_id: str) -> str:
    """Return the folder in which the server keeps a set."""
    return f"{_PREFIX}/sets/{set_id}"


class Ours(Client):
    """push and fetch of `bluegrid_registry`."""

    name = OURS
    layout = "packs"
    _digests: ClassVar[dict[str, str]] = {}
    """The digest in the registry file, by set."""

    def __init__(self, endpoint: str, prefix: str) -> None:
        self._set = prefix
        self._store = store_at(endpoint)

    @classmethod
    def folder(cls, prefix: str) -> str:
        """Return the folder of the set, which stands for the prefix."""
        return folder_of(prefix)

    def push(self, payload: Payload) -> None:
        """Push the folder as a version."""
        models = models_in_folder(payload.folder, MODEL_TYPE)
        report = publish(self._store, self._set, VERSION, models)
        self._digests[self._set] = report.manifest

    def fetch_memory(self, payload: Payload) -> dict[str, bytes]:
        """Fetch the version into memory."""
        fetched = fetch_bytes(self._store, self._set, VERSION, self._digests[self._set])
        return {name: fetched[name.removesuffix(SUFFIX)] for name in payload.sha256s}

    def fetch_files(self, payload: Payload, into: Path) -> dict[str, Path]:
        """Fetch the version into the folder."""
        paths = fetch(self._store, self._set, VERSION, self._digests[self._set], into).paths
        return {name: paths[name.removesuffix(SUFFIX)] for name in payload.sha256s}
