"""A store in front of another one: what faulty, dying and recording stores of the tests are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_registry import Checksum, Store
    from model_registry.stores.base import Capabilities, StoredObject


class Through:
    """Passes everything on; who derives from it changes one thing."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.url = store.url

    def get(self, key: str) -> bytes:
        return self.store.get(key)

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        return self.store.get_range(key, offset, length)

    def put(self, key: str, data: bytes, checksum: Checksum, *, replace: bool = True) -> None:
        self.store.put(key, data, checksum, replace=replace)

    def put_once(self, key: str, data: bytes, checksum: Checksum | None = None) -> None:
        self.store.put_once(key, data, checksum)

    def keys(self, prefix: str) -> Iterator[StoredObject]:
        return self.store.keys(prefix)

    def delete(self, key: str) -> None:
        self.store.delete(key)

    def probe(self) -> Capabilities:
        return self.store.probe()
