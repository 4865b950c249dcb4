"""A fingerprint of credentials, which reveals nothing about them."""

from __future__ import annotations

import hashlib
import hmac

_DIGITS = 12
"""Length of a fingerprint, in hexadecimal digits."""


def fingerprint(route_key: str, *credentials: str) -> str:
    """Return a fingerprint of credentials; without the route key, nobody can test guesses against it."""
    text = "\0".join(("store", *credentials)).encode()
    return hmac.new(route_key.encode(), text, hashlib.sha256).hexdigest()[:_DIGITS]
