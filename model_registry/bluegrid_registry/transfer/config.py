"""How much a transfer does at a time: every knob of push and fetch, with its unit, its limits and its effect.

Only `pack_bytes` and `pack_models` change what is stored: they decide where one pack ends and the next one
begins. The defaults are measured with 3,000 to 100,000 models of 2 KB to 20 MB.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class TransferConfig:
    """The knobs of a push and of a fetch; ValueError if one is out of its limits."""

    pack_bytes: int = 16 * 2**20
    """Bytes of models at which a pack is closed: enough to hide round trips, few enough to fill one pack
    while others are sent (measured beside 4, 8 and 32 MiB). A larger model gets a pack of its own, and while
    that is sent nothing else is: a push takes memory for `uploads` packs, or for one huge model."""

    pack_models: int = 4096
    """Models at which a pack is closed: without it, bookkeeping for tiny models would take most of the memory
    of a push (measured with 100,000 models of 2 KB)."""

    readers: int = 2
    """Threads that read and hash models ahead of the packer. More compete for the interpreter's lock."""

    read_bytes: int = 2 * 2**20
    """Bytes of models that a reader takes at a time; about `readers` + 1 times as many are held in memory."""

    read_models: int = 256
    """Models that a reader takes at a time: fewer cost switches between threads, more cost memory."""

    uploads: int = 4
    """Packs that are compressed and sent at a time; the bytes of each are held in memory."""

    listed_packs: int = 1000
    """Packs of a set up to which one list is requested before a push; S3 returns at most 1,000 in one answer.
    In a set with more, each pack is looked for by itself."""

    compared_bytes: int = 20 * 2**20
    """Bytes of a stored object that are held while it is compared with what would be sent; with `pack_bytes`
    or more, one request reads nearly every pack."""

    downloads: int = 4
    """Parts of packs that are fetched and unpacked at a time."""

    download_bytes: int = 96 * 2**20
    """Memory that these parts and their models may take together, in bytes; a larger part goes alone."""

    whole_share: float = 0.4
    """Share of a pack, 0 to 1, from which on all of it is fetched: one request costs less than several."""

    gap_bytes: int = 2**20
    """Unwanted bytes between two models that are fetched along: S3 serves one range per request; 0: none."""

    def __post_init__(self) -> None:
        if not 0 < self.whole_share <= 1:
            raise ValueError(
                f"TransferConfig: whole_share is {self.whole_share}; give more than 0, at most 1"
            )
        for field in fields(self):
            value, least = getattr(self, field.name), 0 if field.name in ("gap_bytes", "whole_share") else 1
            if value < least:
                raise ValueError(f"TransferConfig: {field.name} is {value}; give {least} or more")


DEFAULT = TransferConfig()
"""What push and fetch use by default."""
