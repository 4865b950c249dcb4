"""This program, called as its users call it from Python."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from benchmarks.transfer.clients import Client
from benchmarks.transfer.payload import SUFFIX
from benchmarks.transfer.server import BUCKET, REGION
from model_registry import ModelType, Store, fetch, models_in_folder, open_store, push

if TYPE_CHECKING:
    from benchmarks.transfer.payload import Payload

VERSION = "v1"
_PREFIX = "ours"
MODEL_TYPE = ModelType.parse("scikit-learn/skops")


def store_at(endpoint: str) -> Store:
    """The one store of all sets: what its server can do is asked once a day, not by every push."""
    return open_store(f"s3://{BUCKET}/{_PREFIX}?endpoint={endpoint}&region={REGION}")


def folder_of(set_id: str) -> str:
    """Where the server keeps a set."""
    return f"{_PREFIX}/sets/{set_id}"


class Ours(Client):
    """push and fetch of `model_registry`."""

    name = "bluegrid"
    layout = "packs"
    _digests: ClassVar[dict[str, str]] = {}
    """What the registry file says of the version, by set."""

    def __init__(self, endpoint: str, prefix: str) -> None:
        self._set = prefix
        self._store = store_at(endpoint)

    @classmethod
    def folder(cls, prefix: str) -> str:
        """A prefix is a set."""
        return folder_of(prefix)

    def push(self, payload: Payload) -> None:
        """The folder as a version."""
        models = models_in_folder(payload.folder, MODEL_TYPE)
        report = push(self._store, self._set, VERSION, models, model_type=MODEL_TYPE)
        self._digests[self._set] = report.manifest

    def fetch_memory(self, payload: Payload) -> dict[str, bytes]:
        """The version, without files."""
        fetched = fetch_bytes(self._store, self._set, VERSION, self._digests[self._set])
        return {name: fetched[name.removesuffix(SUFFIX)] for name in payload.sha256s}

    def fetch_files(self, payload: Payload, into: Path) -> dict[str, Path]:
        """The version into the folder."""
        paths = fetch(self._store, self._set, VERSION, self._digests[self._set], into).paths
        return {name: paths[name.removesuffix(SUFFIX)] for name in payload.sha256s}


def fetch_bytes(store: Store, set_id: str, version_id: str, digest: str) -> dict[str, bytes]:
    """A version's models by UID."""
    # Until model_registry has it: through memory-backed files, which only costs more.
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        paths = fetch(store, set_id, version_id, digest, Path(folder)).paths
        return {uid: path.read_bytes() for uid, path in paths.items()}
