"""The error for a refused request; all other known errors are in the modules that raise them.

BluegridError
└── ApiError                the request cannot be served; carries the HTTP status
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from bluegrid_registry.errors import BluegridError

if TYPE_CHECKING:
    from collections.abc import Mapping


class ApiError(BluegridError):
    """A request that cannot be served."""

    def __init__(self, status: HTTPStatus, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


def unauthorized(message: str) -> ApiError:
    """Return the error for a request without a valid token."""
    return ApiError(HTTPStatus.UNAUTHORIZED, message, {"WWW-Authenticate": "Bearer"})


def not_found(message: str) -> ApiError:
    """Return the error for a resource that does not exist."""
    return ApiError(HTTPStatus.NOT_FOUND, message)
