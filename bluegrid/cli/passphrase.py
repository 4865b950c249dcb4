"""The passphrase of a private key, from the environment."""

from __future__ import annotations

import os

PASSPHRASE = "BLUEGRID_KEY_PASSPHRASE"  # noqa: S105 - the variable's name
"""An environment variable and not an option: every user of a machine can read a command's arguments."""


def passphrase() -> str | None:
    """Return the passphrase of a private key; None: the key has none."""
    return os.environ.get(PASSPHRASE) or None
