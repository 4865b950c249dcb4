"""UIDs that look like a wrong one, found in microseconds among any number."""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_NEIGHBOURS = 4
"""How many are compared on either side of where the wrong one would stand, read from either end."""
_SHOWN = 3
_ALIKE = 0.6
"""Share of two UIDs' characters that have to be the same, at their beginning and end together."""


class NearestUids:
    """Finds UIDs with the same beginning or end: of a typing mistake both are right, before and behind it.

    Args:
        uids: those that there are.
    """

    def __init__(self, uids: Iterable[str]) -> None:
        self._uids = uids

    @cached_property
    def _orders(self) -> tuple[Sequence[str], Sequence[str]]:
        """UIDs in order, and UIDs read backwards in order; made when the first wrong one is asked for."""
        return sorted(self._uids), sorted(uid[::-1] for uid in self._uids)

    def to(self, wrong: str) -> list[str]:
        """Return up to three, the nearest first."""
        forwards, backwards = self._orders
        candidates = {*_around(forwards, wrong), *(uid[::-1] for uid in _around(backwards, wrong[::-1]))}
        ranked = sorted((-_likeness(uid, wrong), uid) for uid in candidates)
        return [uid for likeness, uid in ranked[:_SHOWN] if -likeness >= _ALIKE]


def _around(order: Sequence[str], text: str) -> Iterator[str]:
    # Where the last character is the wrong one, what was meant stands where the text without it would.
    for end in (text, text[:-1]):
        place = bisect_left(order, end)
        yield from order[max(0, place - _NEIGHBOURS) : place + _NEIGHBOURS]


def _likeness(one: str, other: str) -> float:
    begin = _same(one, other)
    end = _same(one[begin:][::-1], other[begin:][::-1])
    return 2 * (begin + end) / (len(one) + len(other))


def _same(one: str, other: str) -> int:
    """Return how many characters at the beginning are the same."""
    shorter = min(len(one), len(other))
    return next((place for place in range(shorter) if one[place] != other[place]), shorter)
