"""Search for the UIDs most similar to a wrong UID, in microseconds among any number of UIDs."""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_NEIGHBOURS = 4
"""Number of UIDs compared on each side of the wrong UID's place, in each of the two orders."""
_SHOWN = 3
_MIN_LIKENESS = 0.6
"""Minimum share of equal characters in two UIDs, counted from the beginning and from the end."""


class NearestUids:
    """Finds UIDs with the same beginning or end, because the text before and after a typing mistake is right.

    Args:
        uids: all UIDs.
    """

    def __init__(self, uids: Iterable[str]) -> None:
        self._uids = uids

    @cached_property
    def _orders(self) -> tuple[Sequence[str], Sequence[str]]:
        """Sorted UIDs, and sorted reversed UIDs; made on the first search."""
        return sorted(self._uids), sorted(uid[::-1] for uid in self._uids)

    def to(self, wrong: str) -> list[str]:
        """Return up to three UIDs, the nearest first."""
        forwards, backwards = self._orders
        candidates = {*_around(forwards, wrong), *(uid[::-1] for uid in _around(backwards, wrong[::-1]))}
        ranked = sorted((-_likeness(uid, wrong), uid) for uid in candidates)
        return [uid for likeness, uid in ranked[:_SHOWN] if -likeness >= _MIN_LIKENESS]


def _around(order: Sequence[str], text: str) -> Iterator[str]:
    # If the last character is wrong, the right UID is near the place of the text without it.
    for end in (text, text[:-1]):
        place = bisect_left(order, end)
        yield from order[max(0, place - _NEIGHBOURS) : place + _NEIGHBOURS]


def _likeness(one: str, other: str) -> float:
    begin = _same(one, other)
    end = _same(one[begin:][::-1], other[begin:][::-1])
    return 2 * (begin + end) / (len(one) + len(other))


def _same(one: str, other: str) -> int:
    """Return the length of the common beginning."""
    shorter = min(len(one), len(other))
    return next((place for place in range(shorter) if one[place] != other[place]), shorter)
