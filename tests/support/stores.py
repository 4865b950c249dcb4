"""Stores in front of another store: the base of the tests' faulty, dying and recording stores."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bluegrid_registry import Checksum, Store
    from bluegrid_registry.stores.base import Capabilities, StoredObject


def flipped(data: bytes, index: int, bits: int = 0x10) -> bytes:
    """Return `data` with some bits of one byte flipped."""
    return data[:index] + bytes([data[index] ^ bits]) + data[index + 1 :]


def delete_copies(store: Store, set_id: str) -> None:
    """Delete the copies of packs that fetches of small versions read."""
    for copy in copies(store, set_id):
        store.delete(copy)


def copies(store: Store, set_id: str) -> list[str]:
    """Return the keys of these copies."""
    found = [each.key for each in store.keys(f"sets/{set_id}/manifests/")]
    return sorted(key for key in found if key.endswith(".mpk"))


class Through:
    """Passes all calls on; subclasses change one call."""

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

    def copy(self, source: str, target: str) -> None:
        self.store.copy(source, target)

    def keys(self, prefix: str) -> Iterator[StoredObject]:
        return self.store.keys(prefix)

    def leftovers(self, prefix: str) -> Iterator[StoredObject]:
        return self.store.leftovers(prefix)

    def delete(self, key: str) -> None:
        self.store.delete(key)

    def probe(self) -> Capabilities:
        return self.store.probe()


class Recording(Through):
    """Records the calls to the store."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.calls: list[tuple[str, str]] = []

    def get(self, key: str) -> bytes:
        self.calls.append(("get", key))
        return super().get(key)

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        self.calls.append(("get_range", key))
        return super().get_range(key, offset, length)

    def put(self, key: str, data: bytes, checksum: Checksum, *, replace: bool = True) -> None:
        self.calls.append(("put", key))
        super().put(key, data, checksum, replace=replace)

    def put_once(self, key: str, data: bytes, checksum: Checksum | None = None) -> None:
        self.calls.append(("put_once", key))
        super().put_once(key, data, checksum)

    def copy(self, source: str, target: str) -> None:
        self.calls.append(("copy", source))
        super().copy(source, target)

    def keys(self, prefix: str) -> Iterator[StoredObject]:
        self.calls.append(("keys", prefix))
        return super().keys(prefix)

    @property
    def requests(self) -> list[str]:
        """Return each call with the kind of its key: packs, manifests or versions."""
        return [f"{call} {key.split('/')[2]}" for call, key in self.calls]

    def count(self, kind: str) -> Counter[str]:
        """Count calls of one kind by the kind of their key: packs, manifests or versions."""
        return Counter(key.split("/")[2] for call, key in self.calls if call == kind)


class FlipsFirstGet(Through):
    """Damages the first answer for each key, like a bad cable."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.seen: set[str] = set()

    def get(self, key: str) -> bytes:
        data = super().get(key)
        if key in self.seen:
            return data
        self.seen.add(key)
        return flipped(data, len(data) // 2)


class FlipsFirstPut(Through):
    """Damages the bytes of the first put in transit, but not their checksum."""

    is_first = True

    def put(self, key: str, data: bytes, checksum: Checksum, *, replace: bool = True) -> None:
        if self.is_first:
            self.is_first = False
            data = flipped(data, len(data) // 2)
        super().put(key, data, checksum, replace=replace)


class Killed(BaseException):
    """The process was killed."""


class DiesAtWrite(Through):
    """Dies just before the nth write."""

    def __init__(self, store: Store, nth: int) -> None:
        super().__init__(store)
        self.left = nth
        self.lock = threading.Lock()

    def put(self, key: str, data: bytes, checksum: Checksum, *, replace: bool = True) -> None:
        self.count_down()
        super().put(key, data, checksum, replace=replace)

    def put_once(self, key: str, data: bytes, checksum: Checksum | None = None) -> None:
        self.count_down()
        super().put_once(key, data, checksum)

    def copy(self, source: str, target: str) -> None:
        self.count_down()
        super().copy(source, target)

    def count_down(self) -> None:
        with self.lock:
            if self.left == 0:
                raise Killed
            self.left -= 1
