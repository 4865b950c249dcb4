"""Requests to one bucket, repeated after failures of the network or of a server that is starting."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, TypeVar

from botocore import exceptions as aws

from bluegrid_registry.stores.s3_client import ATTEMPTS, ServerHeaders, s3_client
from bluegrid_registry.stores.s3_connections import open_connections
from bluegrid_registry.stores.s3_errors import GARBLED, code, is_bare, is_passing, translate_errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import (
        CopySourceTypeDef,
        ListObjectsV2OutputTypeDef,
        PutObjectOutputTypeDef,
    )

    from bluegrid_registry.stores.address import Bucket

T = TypeVar("T")

PATIENCE = 10.0
"""How long requests are repeated while a server refuses connections or is busy (5xx), in seconds."""

_WAITS = (0.5, 1.0, 2.0)
"""Pauses between these requests, in seconds; the last pause repeats. botocore tries each three times."""

_CONFLICT_WAITS = (0.1, 0.2, 0.4, 0.8)
"""Seconds between attempts during another conditional write, for which S3 requests a retry (409)."""


@dataclass(frozen=True)
class Wire:
    """Requests to one bucket; keys are relative to the prefix. Safe to use from many threads."""

    url: str
    """The store's address, for messages."""
    bucket: str
    prefix: str
    """Prefix of all keys: empty, or with a slash at its end."""
    client: S3Client
    server: ServerHeaders

    @classmethod
    def to(cls, place: Bucket, read_timeout: float) -> Wire:
        """Return the wire to a bucket; sends nothing."""
        client, server = s3_client(place, read_timeout)
        return cls(place.url, place.name, f"{place.prefix}/" if place.prefix else "", client, server)

    def get(self, key: str) -> bytes:
        """Return the object."""
        return self.ask(key, lambda: self.client.get_object(**self._place(key))["Body"].read())

    def part(self, key: str, offset: int, length: int) -> tuple[bytes, bool]:
        """Return the response to a request for a range, and whether it is only a part of the object."""
        span = f"bytes={offset}-{offset + length - 1}"

        def ask() -> tuple[bytes, bool]:
            try:
                answer = self.client.get_object(**self._place(key), Range=span)
            except aws.ClientError as error:
                if code(error) in ("InvalidRange", "416"):
                    return b"", True
                raise
            return answer["Body"].read(), "ContentRange" in answer

        return self.ask(key, ask)

    def page(self, prefix: str, more: dict[str, Any]) -> ListObjectsV2OutputTypeDef:
        """Return a page of the list of keys that begin with `prefix`; `more` are further parameters."""
        begin = self.prefix + prefix

        def ask() -> ListObjectsV2OutputTypeDef:
            page = self.client.list_objects_v2(Bucket=self.bucket, Prefix=begin, **more)
            found = page.get("Contents", [])
            # Objects that are not listed count as garbage, so a list must be complete.
            if page.get("KeyCount", len(found)) != len(found):
                raise ValueError(f"the list has {len(found)} objects of {page['KeyCount']}")
            if page.get("IsTruncated") is not ("NextContinuationToken" in page):
                raise ValueError("the list is cut short")
            if not all(row["Key"].startswith(begin) for row in found):
                raise ValueError("the list has objects that were not asked for")
            return page

        return self.ask(prefix or "the list", ask)

    def put(self, key: str, body: Any, headers: dict[str, Any]) -> PutObjectOutputTypeDef:
        """Write the object; `headers` are further parameters of the PUT."""
        return self.ask(key, lambda: self._put(key, body, headers))

    def refusal(self, key: str, body: Any, headers: dict[str, Any]) -> aws.ClientError | None:
        """Write the object as a probe; return the server's refusal, or None."""

        def ask() -> aws.ClientError | None:
            try:
                self._put(key, body, headers)
            except aws.ClientError as error:
                if is_bare(error) or is_passing(error):
                    raise
                return error
            return None

        return self.ask(key, ask)

    def _put(self, key: str, body: Any, headers: dict[str, Any]) -> PutObjectOutputTypeDef:
        for wait in _CONFLICT_WAITS:
            try:
                return self.client.put_object(**self._place(key), Body=body, **headers)
            except aws.ClientError as error:
                if code(error) != "ConditionalRequestConflict":
                    raise
                sleep(wait)
        return self.client.put_object(**self._place(key), Body=body, **headers)

    def copy(self, source: str, target: str) -> None:
        """Copy the object within the bucket."""
        found: CopySourceTypeDef = {"Bucket": self.bucket, "Key": self.prefix + source}
        self.ask(target, lambda: self.client.copy_object(**self._place(target), CopySource=found))

    def open_connections(self, count: int) -> None:
        """Open connections for the next requests."""
        open_connections(self.client, self.bucket, count)

    def delete(self, key: str) -> None:
        """Remove the object, if there is one."""
        self.ask(key, lambda: self.client.delete_object(**self._place(key)))

    def ask(self, key: str, ask: Callable[[], T]) -> T:
        """Send a request; repeat it for `PATIENCE` while the server is starting."""
        deadline = monotonic() + PATIENCE
        with translate_errors(self.url, key):
            for wait in itertools.chain(_WAITS, itertools.repeat(_WAITS[-1])):
                try:
                    return _ask(ask)
                except (aws.ClientError, aws.BotoCoreError) as error:
                    if not is_passing(error) or monotonic() + wait > deadline:
                        raise
                sleep(wait)
        raise AssertionError("the waits do not end")

    def _place(self, key: str) -> dict[str, Any]:
        return {"Bucket": self.bucket, "Key": self.prefix + key}


def _ask(ask: Callable[[], T]) -> T:
    """Send a request, and repeat it if the response is garbled; botocore repeats it without a response."""
    for _ in range(ATTEMPTS - 1):
        try:
            return ask()
        except GARBLED:
            pass
        except aws.ClientError as error:
            if not is_bare(error):
                raise
    return ask()
