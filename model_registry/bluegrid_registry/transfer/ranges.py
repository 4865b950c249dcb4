"""Which parts of a pack to ask for, when not all of its models are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bluegrid_registry.formats.manifest import ModelRow, PackRow

WHOLE_SHARE = 0.4
"""From this share of a pack on, all of it is fetched: one request costs less than several."""

GAP_BYTES = 2**20
"""Unwanted bytes up to this many are fetched along: S3 serves one range a request."""


@dataclass(frozen=True)
class Span:
    """One part of a pack, and the wanted models in it."""

    offset: int
    length: int
    rows: tuple[ModelRow, ...]


def spans(pack: PackRow, rows: Sequence[ModelRow]) -> list[Span]:
    """Return the parts of `pack` that hold the models in `rows`; a shared model is read once."""
    wanted = sorted({row.offset: row for row in reversed(rows)}.values(), key=lambda row: row.offset)
    if sum(row.length for row in wanted) >= WHOLE_SHARE * pack.size:
        return [Span(0, pack.size, tuple(wanted))]
    # The dictionary at the pack's beginning comes along where it lies near.
    begin = 0 if pack.dictionary and wanted[0].offset <= GAP_BYTES else wanted[0].offset
    groups: list[list[ModelRow]] = []
    for row in wanted:
        if groups and row.offset - _end(groups[-1][-1]) <= GAP_BYTES:
            groups[-1].append(row)
        else:
            groups.append([row])
    begins = [begin, *(group[0].offset for group in groups[1:])]
    return [
        Span(start, _end(group[-1]) - start, tuple(group))
        for start, group in zip(begins, groups, strict=True)
    ]


def _end(row: ModelRow) -> int:
    return row.offset + row.length
