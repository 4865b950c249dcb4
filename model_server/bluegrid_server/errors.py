"""What is wrong with a request: each error knows its HTTP status."""

from __future__ import annotations

from typing import ClassVar

_LONGEST = 2_000
"""Characters of a message: it may quote the request, which may be of megabytes."""


class RequestError(Exception):
    """Answered as `{"error": "<message>"}`."""

    status: ClassVar[int] = 400
    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, message: str) -> None:
        super().__init__(message if len(message) <= _LONGEST else f"{message[:_LONGEST]}… (cut)")


class InputError(RequestError):
    """The request's body does not fit the model or the protocol."""


class NotFoundError(RequestError):
    """No such model or version here."""

    status = 404


class TooLargeError(RequestError):
    """The request's body is over the limit."""

    status = 413


class EncodingError(RequestError):
    """The request's body is compressed in a way that is not known here."""

    status = 415
    headers: ClassVar[dict[str, str]] = {"Accept-Encoding": "gzip, deflate"}


class PredictionError(RequestError):
    """The model failed on a request that is right in form."""

    status = 500


class BusyError(RequestError):
    """More requests wait than can be answered in time."""

    status = 503
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}


class LoadError(RequestError):
    """The model cannot be loaded; the others can."""

    status = 503
    # Somebody has to fix it; waiting does not.
    headers: ClassVar[dict[str, str]] = {"Retry-After": "60"}


class OutOfMemoryError(RequestError):
    """The request, or its model, takes more memory than there is."""

    status = 507


class TimeLimitError(RequestError):
    """The request took too long; the process that worked on it was stopped."""

    status = 504


class CrashError(RequestError):
    """The process that worked on the request ended."""

    status = 500


class NotReadyError(RequestError):
    """The models are not loaded yet."""

    status = 503
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}
