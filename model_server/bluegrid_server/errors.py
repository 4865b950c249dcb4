"""Errors of requests, each with its HTTP status."""

from __future__ import annotations

from typing import ClassVar

_LONGEST = 2_000
"""Maximum length of a message, in characters: it may quote the request, which may have megabytes."""


class RequestError(Exception):
    """Sent as `{"error": "<message>"}`."""

    status: ClassVar[int] = 400
    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, message: str) -> None:
        super().__init__(message if len(message) <= _LONGEST else f"{message[:_LONGEST]}… (cut)")


class InputError(RequestError):
    """The request's body does not fit the model or the protocol."""


class NotFoundError(RequestError):
    """This cluster does not serve that model or version."""

    status = 404


class TooLargeError(RequestError):
    """The request's body is larger than the limit."""

    status = 413


class EncodingError(RequestError):
    """The request's body has a Content-Encoding that is not supported."""

    status = 415
    headers: ClassVar[dict[str, str]] = {"Accept-Encoding": "gzip, deflate"}


class PredictionError(RequestError):
    """The model failed on a valid request."""

    status = 500


class BusyError(RequestError):
    """More requests wait than can be answered in time."""

    status = 503
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}


class LoadError(RequestError):
    """The model cannot be loaded; other models are not affected."""

    status = 503
    # Waiting does not help: somebody has to fix the model.
    headers: ClassVar[dict[str, str]] = {"Retry-After": "60"}


class OutOfMemoryError(RequestError):
    """The request, or its model, needs more memory than there is."""

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


class ElsewhereError(RequestError):
    """Another process has to answer; clients never get this."""

    status = 500


class ShardUnreachableError(RequestError):
    """No pod of another shard, which has the model, answers."""

    status = 503
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}


class MisdirectedError(RequestError):
    """A request for another shard came here."""

    status = 421
