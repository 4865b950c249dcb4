"""Concurrency and memory of transfers: the parameters of push and fetch, with units, limits and effects.

Only `pack_bytes` and `pack_models` affect the stored objects: they determine where a pack ends. The defaults
are measured with 3,000 to 100,000 models of 2 KB to 20 MB.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class TransferConfig:
    """Parameters of push and fetch; ValueError if a value is out of its limits."""

    pack_bytes: int = 16 * 2**20
    """Bytes of models at which a pack is closed: enough to hide round trips, few enough to fill one pack
    while others are sent (measured beside 4, 8 and 32 MiB). A larger model gets a pack of its own, which is
    sent alone: a push takes memory for `uploads` packs, or for one huge model."""

    pack_models: int = 4096
    """Number of models at which a pack is closed: without this limit, bookkeeping for tiny models would take
    most of the memory of a push (measured with 100,000 models of 2 KB)."""

    readers: int = 2
    """Threads that read and hash models ahead of the packer; more compete for the interpreter's lock."""

    read_bytes: int = 2 * 2**20
    """Bytes of models that a reader reads at a time; memory holds about `readers` + 1 times as many."""

    read_models: int = 256
    """Models that a reader reads at a time: fewer cost switches between threads, more cost memory."""

    uploads: int = 4
    """Packs that are compressed and sent at the same time; memory holds the bytes of each."""

    listed_packs: int = 1000
    """Most packs of a set that a push finds by one listing; S3 returns at most 1,000 per response. In a
    larger set, each pack is looked up by itself."""

    compared_bytes: int = 20 * 2**20
    """Bytes of a stored object that are read at a time to compare it with the object to send; with
    `pack_bytes` or more, one request reads nearly every pack."""

    downloads: int = 8
    """Parts of packs that are fetched and unpacked at the same time: enough that some arrive while others are
    requested or unpacked (measured beside 4 and 6, at round trips of 0, 50 and 400 ms)."""

    download_bytes: int = 160 * 2**20
    """Most memory of these parts and their models together, in bytes; a larger part is fetched alone."""

    whole_share: float = 0.4
    """Share of a pack, 0 to 1, from which the whole pack is fetched: one request costs less than several."""

    gap_bytes: int = 2**20
    """Most unneeded bytes to fetch between two models: S3 serves only one range per request; 0: none."""

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
"""The default of push and fetch."""
