"""The protocol of stores: push, fetch and their tests use stores only through it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bluegrid_registry.formats.checksums import Checksum


class StoredObject(NamedTuple):
    """An object in a listing."""

    key: str
    size: int
    """Bytes."""
    modified: datetime
    """When the object was last written, by the store's clock."""
    listed: datetime | None = None
    """When the object was listed, by the same clock; None: not known."""

    @property
    def clocks(self) -> tuple[datetime, datetime]:
        """The time by the store's clock and by this machine's, the earlier time first.

        Either clock may be wrong. An object's age is by the earlier time before a deletion, and by the later
        time before a push relies on the object.
        """
        here = datetime.now(UTC)
        listed = self.listed or here
        return min(listed, here), max(listed, here)

    @property
    def least_age(self) -> timedelta:
        """The smallest possible age of the object."""
        return self.clocks[0] - self.modified

    @property
    def greatest_age(self) -> timedelta:
        """The greatest possible age of the object."""
        return self.clocks[1] - self.modified


@dataclass(frozen=True)
class Capabilities:
    """Capabilities of a store's server; a missing one is compensated for, or writes are refused."""

    verifies_checksums: bool
    """The server refuses objects that differ from their checksum; if not, every write is read back."""
    conditional_writes: bool
    """The server honours If-None-Match atomically: one of two writers wins; if not, writes are refused."""
    ranges: bool
    """The server returns a part of an object on request; if not, the whole object is fetched, and cut."""
    single_winner: bool = True
    """Of conditional writes that end at the same moment, exactly one is accepted; if not, each commit is read
    back."""
    fault: str | None = field(default=None, compare=False)
    """Why conditional writes are not atomic; None: they are, or they are not supported at all."""

    def in_words(self) -> tuple[str, ...]:
        """Return the consequences for pushes and fetches, one line for each capability."""
        return (
            "checksums: computed again by the server, which keeps nothing that differs"
            if self.verifies_checksums
            else "checksums: not verified by the server; every write is read back, and takes twice as long",
            self._winners()
            if self.conditional_writes
            else f"conditional writes: {self.fault or 'ignored by the server'}; pushes are refused, "
            "fetches work",
            "ranges: given; a fetch of a few models moves little more than these"
            if self.ranges
            else "ranges: ignored by the server; a fetch of a few models moves whole packs",
        )

    def _winners(self) -> str:
        if self.single_winner:
            return "conditional writes: honoured; of two pushes of one version exactly one wins"
        return "conditional writes: honoured, unless they end at the same moment; every commit is read back"


ALL = Capabilities(verifies_checksums=True, conditional_writes=True, ranges=True)


class Store(Protocol):
    """Objects by key. An object is visible only when it is complete and its checksum is verified.

    Every method raises StoreUnreachable if the store does not answer, and StoreError if it refuses.
    """

    @property
    def url(self) -> str:
        """The store's address, for messages."""

    def get(self, key: str) -> bytes:
        """Return the object's bytes; ObjectMissing if there is no such object."""

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset`, fewer at the object's end; errors as of `get`."""

    def put(self, key: str, data: bytes, checksum: Checksum, *, replace: bool = True) -> None:
        """Write the object.

        When this returns, the store holds bytes with this checksum, computed again on the store's side.

        Args:
            key: key of the object.
            data: bytes of the object.
            checksum: checksum 1 of the bytes.
            replace: whether to replace an existing object. With False, two concurrent writers may still both
                write.

        Raises:
            ObjectExists: the object exists, and `replace` is False.
            IntegrityError: the store received other bytes. A server that verifies checksums keeps none of
                them; another may keep them, but nothing refers to them, and the next put replaces them.
        """

    def put_once(self, key: str, data: bytes, checksum: Checksum | None = None) -> None:
        """Write the object as `put` does; ObjectExists if it exists: only one of several writers succeeds.

        Without a checksum, the checksum of the default algorithm is computed.
        """

    def copy(self, source: str, target: str) -> None:
        """Write the object `source` also under the key `target`, within the store; errors as of `get`.

        The store does not say whether it has copied all bytes: the reader of the copy verifies them.
        """

    def keys(self, prefix: str) -> Iterator[StoredObject]:
        """List the objects whose keys begin with `prefix`; a fetch needs no listing."""

    def leftovers(self, prefix: str) -> Iterator[StoredObject]:
        """List partial files that killed writers have left below `prefix`; `delete` removes them."""

    def probe(self) -> Capabilities:
        """Detect the capabilities of the store's server; the first write does so unless they are known."""

    def delete(self, key: str) -> None:
        """Remove the object, if there is one."""
