"""Chooses the parts of a pack to fetch if not all of its models are requested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bluegrid_registry.formats.manifest import Frame, PackRow
    from bluegrid_registry.transfer.config import TransferConfig


@dataclass(frozen=True)
class Span:
    """One part of a pack, and the requested models or examples in it."""

    offset: int
    length: int
    rows: tuple[Frame, ...]


def spans(pack: PackRow, rows: Sequence[Frame], config: TransferConfig) -> list[Span]:
    """Return the parts of `pack` that hold the frames in `rows`; a shared one is read once."""
    unique = sorted({row.offset: row for row in reversed(rows)}.values(), key=lambda row: row.offset)
    if sum(row.length for row in unique) >= config.whole_share * pack.size:
        return [Span(0, pack.size, tuple(unique))]
    # The first span includes the dictionary at the pack's beginning if it is near.
    begin = 0 if pack.dictionary and unique[0].offset <= config.gap_bytes else unique[0].offset
    groups: list[list[Frame]] = []
    for row in unique:
        if groups and row.offset - _end(groups[-1][-1]) <= config.gap_bytes:
            groups[-1].append(row)
        else:
            groups.append([row])
    begins = [begin, *(group[0].offset for group in groups[1:])]
    return [
        Span(start, _end(group[-1]) - start, tuple(group))
        for start, group in zip(begins, groups, strict=True)
    ]


def _end(row: Frame) -> int:
    return row.offset + row.length
