"""The ID of the version that comes after those of a set."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMBERED = re.compile(r"(.*?)([0-9]{1,9})")


def next_id(known: Sequence[str], prefix: str = "v") -> str:
    """Return the ID after the highest numbered ID; if there is none, the first ID with this prefix."""
    numbered = [match for each in known if (match := _NUMBERED.fullmatch(each))]
    if not numbered:
        return f"{prefix}1"
    prefix, number = max((match.groups() for match in numbered), key=lambda parts: int(parts[1]))
    return f"{prefix}{int(number) + 1:0{len(number)}d}"
