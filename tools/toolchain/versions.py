"""Versions in the output of programs."""

from __future__ import annotations

import re
from dataclasses import dataclass

Version = tuple[int, int, int]
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


def parse(text: str) -> Version | None:
    """Return the first version in a text such as `v1.32.4-dispatcher` or `go1.27rc1`, without its suffix."""
    found = _VERSION.search(text)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


@dataclass(frozen=True)
class Range:
    """A range of versions from `low` up to, not including, `below`."""

    low: Version
    below: Version

    def __contains__(self, version: Version) -> bool:
        return self.low <= version < self.below
