"""Tokens and their scopes; a token's row has its SHA-256 digest, and not the token itself.

- {name: training, scopes: [read, update], sha256: "9f86d081…"}
"""

from __future__ import annotations

import hashlib
import secrets
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, StringConstraints

from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import Label  # noqa: TC001 - pydantic reads it at run time

if TYPE_CHECKING:
    from collections.abc import Sequence


class Scope(StrEnum):
    """What a token allows."""

    READ = "read"
    """To read: sets, versions, models, updates, the audit log."""
    UPDATE = "update"
    """To send models, and to request versions."""
    SWITCH = "switch"
    """To choose which cluster is live."""


class Token(Frozen):
    """One row of the file."""

    name: Label
    """Name of the token's owner, a program or person, in the audit log."""
    scopes: Annotated[frozenset[Scope], Field(min_length=1)]
    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


def new_token(name: str, scopes: Sequence[Scope]) -> tuple[str, Token]:
    """Return a new token, and its row for the file."""
    token = f"bluegrid_{secrets.token_urlsafe(32)}"
    sha256 = hashlib.sha256(token.encode()).hexdigest()
    return token, Token(name=name, scopes=frozenset(scopes), sha256=sha256)
