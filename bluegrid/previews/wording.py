"""Formats values and lists for sentences of the report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_DIGITS = 12
"""Hex digits of a short digest, as `docker images` shows."""
_MAX = 80
"""Characters of a value: nobody compares a set's public keys by eye."""
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Placeholder of Pulumi's previews for a text that only the update knows."""


def short(digest: str) -> str:
    """Return the first digits of a digest."""
    algorithm, _, digits = digest.partition(":")
    return f"{algorithm}:{digits[:_DIGITS]}" if digits else digest[:_DIGITS]


def images(old: str, new: str) -> str:
    """Return two images; only their digests if nothing else differs."""
    (before, _, first), (after, _, second) = old.partition("@"), new.partition("@")
    if before == after and first and second:
        return f"{short(first)} → {short(second)}"
    return f"{_image(before, first)} → {_image(after, second)}"


def value(content: Any) -> str:
    """Return a value as text for a sentence."""
    if content is None:
        return "none"
    if content == _UNKNOWN:
        return "what only the update knows"
    text = " ".join((content if isinstance(content, str) else json.dumps(content)).split())
    return text if len(text) <= _MAX else f"{text[:_MAX]}..."


def listed(words: Sequence[str]) -> str:
    """Return words as a list, such as `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _image(name: str, digest: str) -> str:
    return f"{name}@{short(digest)}" if digest else name
