"""How values and lists read in a sentence of the report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_DIGITS = 12
"""Of a digest, as `docker images` shows them."""
_MOST = 80
"""Characters of a value: a set's public keys are longer than anyone compares by eye."""
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What Pulumi's previews write in the place of a text that only the update will know."""


def short(digest: str) -> str:
    """Return a digest by its first digits, as people name it."""
    algorithm, _, digits = digest.partition(":")
    return f"{algorithm}:{digits[:_DIGITS]}" if digits else digest[:_DIGITS]


def images(old: str, new: str) -> str:
    """Return two images, by their digests where nothing else is different."""
    (before, _, first), (after, _, second) = old.partition("@"), new.partition("@")
    if before == after and first and second:
        return f"{short(first)} → {short(second)}"
    return f"{_image(before, first)} → {_image(after, second)}"


def value(given: Any) -> str:
    """Return a value as it reads in a sentence."""
    if given is None:
        return "none"
    if given == _UNKNOWN:
        return "what only the update knows"
    text = " ".join((given if isinstance(given, str) else json.dumps(given)).split())
    return text if len(text) <= _MOST else f"{text[:_MOST]}..."


def listed(words: Sequence[str]) -> str:
    """Return words as a list, such as `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _image(name: str, digest: str) -> str:
    return f"{name}@{short(digest)}" if digest else name
