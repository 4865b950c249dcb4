"""Which Secret holds the store's credentials: others get a Secret of another name.

A Secret that changes in place restarts no pod and is proven by none: wrong keys would be found out by the
next pod that restarts. A new name changes the pods' template. So each cluster's preflight fetches its version
with the new keys, its pods are replaced one by one after that, and the old Secret goes last.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.stack_outputs import StackOutputs

OUTPUT = "storeAccount"
_DIGITS = 12


def fingerprint(route_key: str, *credentials: str) -> str:
    """Return what tells credentials from others; without the stack's key nobody can try passwords on it."""
    text = "\0".join(("store", *credentials)).encode()
    return hmac.new(route_key.encode(), text, hashlib.sha256).hexdigest()[:_DIGITS]


def generation(mark: str, outputs: StackOutputs) -> str | None:
    """Return what the name of the Secret with these credentials ends in.

    Args:
        mark: the credentials' fingerprint.
        outputs: where that of the first ones is kept.

    Returns:
        None for the credentials that this program has found first: states of earlier releases have them in a
        Secret of no such end.
    """
    first = outputs.get(OUTPUT)
    if first is None:
        outputs.put(OUTPUT, mark)
    return None if first in (None, mark) else mark
