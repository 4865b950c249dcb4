"""What a store's server does by itself; what it lacks is made up for, or writing is refused."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Capabilities:
    """What was found out by trying."""

    verifies_checksums: bool
    """Keeps nothing that differs from its checksum; else every write is read back."""
    conditional_writes: bool
    """Honours If-None-Match, so that of two writers of one version one wins; else writing is refused."""
    ranges: bool
    """Gives a part of an object; else all of it is fetched, and cut."""

    def in_words(self) -> tuple[str, ...]:
        """Say what follows for pushes, a line for each."""
        return (
            "checksums: computed again by the server, which keeps nothing that differs"
            if self.verifies_checksums
            else "checksums: not verified by the server; every write is read back, and takes twice as long",
            "conditional writes: honoured; of two pushes of one version exactly one wins"
            if self.conditional_writes
            else "conditional writes: ignored by the server; pushes are refused, fetches work",
            "ranges: given; a fetch of a few models moves little more than these"
            if self.ranges
            else "ranges: ignored by the server; a fetch of a few models moves whole packs",
        )


ALL = Capabilities(verifies_checksums=True, conditional_writes=True, ranges=True)
