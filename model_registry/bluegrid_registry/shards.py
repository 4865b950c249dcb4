"""Shards: the parts of a version that is larger than a pod. A hash of the UID says which part has a model."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

MAX_SHARDS = 64
"""Most shards of a cluster. Every pod may have connections to every other shard."""

_TEXT = re.compile(r"(0|[1-9][0-9]*)/([1-9][0-9]*)")


def shard_of(uid: str, count: int) -> int:
    """Return the index of the shard that has a model, from 0.

    This never changes: pods of one cluster, of two releases during an update, must agree.

    Args:
        uid: of the model; a UID of no model has a shard too.
        count: number of shards, 1 or more.
    """
    # A UID in a request may be any text that JSON can hold.
    digest = hashlib.sha256(uid.encode(errors="surrogatepass")).digest()
    # By the range of the hash, not its remainder: in the order of the hashes, the models of each shard are
    # together, whatever the number of shards.
    return int.from_bytes(digest[:8]) * count >> 64


@dataclass(frozen=True)
class Shard:
    """One shard of a version.

    Attributes:
        index: from 0.
        count: number of shards of the version.
    """

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read `<index>/<count>`, such as `0/3`; raise ValueError if it is not that."""
        match = _TEXT.fullmatch(text)
        if match is None or not int(match[1]) < int(match[2]) <= MAX_SHARDS:
            raise ValueError(f"{text!r} is not a shard, such as 0/3, 1/3 or 2/3; at most {MAX_SHARDS}")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def holds(self, uid: str) -> bool:
        """Return whether the model of this UID is in the shard."""
        return shard_of(uid, self.count) == self.index
