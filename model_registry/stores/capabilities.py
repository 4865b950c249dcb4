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

    def in_words(self) -> tuple[str, ...]:
        """Say what follows for pushes, a line for each."""
        return (
            "checksums: computed again by the server, which keeps nothing that differs"
            if self.verifies_checksums
            else "checksums: not verified by the server; every write is read back, and takes twice as long",
            "conditional writes: honoured; of two pushes of one version exactly one wins"
            if self.conditional_writes
            else "conditional writes: ignored by the server; pushes are refused, fetches work",
        )


ALL = Capabilities(verifies_checksums=True, conditional_writes=True)
