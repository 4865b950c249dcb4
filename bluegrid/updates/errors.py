"""How the update server refuses, as HTTP sees it; every other known error is one of the registry's.

BluegridError
└── Refused                 the request cannot be served; carries the status
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from bluegrid.updates.git import GitAway
from bluegrid_registry.errors import BluegridError, ObjectExists, ObjectMissing, StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Refused(BluegridError):  # noqa: N818 - what happened
    """A request that cannot be served."""

    def __init__(self, status: HTTPStatus, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


def unauthorized(message: str) -> Refused:
    """Nobody says who asks."""
    return Refused(HTTPStatus.UNAUTHORIZED, message, {"WWW-Authenticate": "Bearer"})


def not_found(what: str) -> Refused:
    """What is asked for is not there."""
    return Refused(HTTPStatus.NOT_FOUND, what)


def is_passing(error: BluegridError) -> bool:
    """Whether the same may work in a minute: git or the store does not answer, or does not let us in."""
    is_answer = isinstance(error, ObjectMissing | ObjectExists)
    return isinstance(error, GitAway) or (isinstance(error, StoreError) and not is_answer)
