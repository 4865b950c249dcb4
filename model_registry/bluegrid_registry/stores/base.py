"""What every store does: push, fetch and their tests know stores by this protocol only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bluegrid_registry.formats.checksums import Checksum


class StoredObject(NamedTuple):
    """What a listing says of an object."""

    key: str
    size: int
    """Bytes."""
    modified: datetime
    """When it was last written, by the store's clock."""
    listed: datetime | None = None
    """When it was listed, by the same clock; None: not known."""

    @property
    def clocks(self) -> tuple[datetime, datetime]:
        """The time by the store's clock and by this machine's, the earlier one first.

        Either clock may be wrong. An object that is to be deleted is as old as the earlier time says, an
        object that is relied on as old as the later one.
        """
        here = datetime.now(UTC)
        listed = self.listed or here
        return min(listed, here), max(listed, here)

    @property
    def least_age(self) -> timedelta:
        """How long ago it was written, at least."""
        return self.clocks[0] - self.modified

    @property
    def greatest_age(self) -> timedelta:
        """How long ago it was written, at most."""
        return self.clocks[1] - self.modified


@dataclass(frozen=True)
class Capabilities:
    """What a store's server does by itself; what it lacks is compensated for, or writing is refused."""

    verifies_checksums: bool
    """Keeps nothing that differs from its checksum; if not, every write is read back."""
    conditional_writes: bool
    """Honours If-None-Match atomically, so that one of two writers wins; if not, writing is refused."""
    ranges: bool
    """Returns a part of an object on request; if not, the whole object is fetched, and cut."""
    fault: str | None = field(default=None, compare=False)
    """Why conditional writes are not atomic; None: they are, or are not honoured at all."""

    def in_words(self) -> tuple[str, ...]:
        """Return what follows for pushes, a line for each capability."""
        return (
            "checksums: computed again by the server, which keeps nothing that differs"
            if self.verifies_checksums
            else "checksums: not verified by the server; every write is read back, and takes twice as long",
            "conditional writes: honoured; of two pushes of one version exactly one wins"
            if self.conditional_writes
            else f"conditional writes: {self.fault or 'ignored by the server'}; pushes are refused, "
            "fetches work",
            "ranges: given; a fetch of a few models moves little more than these"
            if self.ranges
            else "ranges: ignored by the server; a fetch of a few models moves whole packs",
        )


ALL = Capabilities(verifies_checksums=True, conditional_writes=True, ranges=True)


class Store(Protocol):
    """Objects by key. Nothing is visible before it is whole and proven.

    Every method raises StoreUnreachable if there is no answer, and StoreError if the store refuses.
    """

    @property
    def url(self) -> str:
        """The store's address, for messages."""

    def get(self, key: str) -> bytes:
        """Return the object; ObjectMissing if there is none."""

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset`, fewer where the object ends; errors as of `get`."""

    def put(self, key: str, data: bytes, checksum: Checksum, *, replace: bool = True) -> None:
        """Write the object.

        When this returns, the store holds bytes with this checksum, computed again on the store's side.

        Args:
            key: its key.
            data: its bytes.
            checksum: checksum 1 of the bytes.
            replace: whether an existing object is replaced. With False, two writers at the same time may
                still both write.

        Raises:
            ObjectExists: the object exists, and is not to be replaced.
            IntegrityError: the store received other bytes. A server that verifies keeps none of them; what
                another server keeps is referred to by nothing, and the next put replaces it.
        """

    def put_once(self, key: str, data: bytes, checksum: Checksum | None = None) -> None:
        """Write the object as `put` does; ObjectExists if it exists: of many writers, one succeeds.

        Without a checksum, one of the default algorithm is computed.
        """

    def keys(self, prefix: str) -> Iterator[StoredObject]:
        """List the objects whose keys begin with `prefix`; a fetch never needs to."""

    def leftovers(self, prefix: str) -> Iterator[StoredObject]:
        """List what killed writers have left below `prefix` that is not an object; `delete` removes it."""

    def probe(self) -> Capabilities:
        """Find out what the store's server does by itself; the first write does so unless it is known."""

    def delete(self, key: str) -> None:
        """Remove the object, if there is one."""
