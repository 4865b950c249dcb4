"""A store in a bucket of any S3-compatible server.

Every object is one PUT with its checksum in S3's header: the server computes the checksum again, refuses an
object that differs, and returns its result. Small probes beside the first write detect servers that ignore
the header; objects on such servers are read back. Objects are also read back if S3, or this server, has no
header for the checksum's algorithm.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bluegrid_registry import errors
from bluegrid_registry.formats.checksums import Checksum, ChecksumAlgorithm
from bluegrid_registry.stores.base import Capabilities, StoredObject
from bluegrid_registry.stores.s3_checksums import Support, answered, has_header, header, metadata
from bluegrid_registry.stores.s3_errors import Forbidden, NothingThere, Unclear
from bluegrid_registry.stores.s3_memory import Known, recall, remember
from bluegrid_registry.stores.s3_probe import (
    Conditional,
    conditional_of,
    gives_ranges,
    honours_condition,
    support_of,
)
from bluegrid_registry.stores.s3_wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3.type_defs import PutObjectOutputTypeDef

    from bluegrid_registry.stores.address import Bucket

READ_TIMEOUT = 60
"""Timeout for the next bytes of a response, in seconds."""

_SPARE = 2
"""Connections that are opened beside a probe, for a push's first pack and its manifest."""

_NOT_ATOMIC = (
    "not atomic, as the server looks for an object before it takes the bytes, and not when it keeps them"
)


class S3Store:
    """A store below a prefix in a bucket; safe to use from many threads."""

    def __init__(self, place: Bucket) -> None:
        self._wire = Wire.to(place, READ_TIMEOUT)
        self.url = place.url
        self._probing, self._supporting = threading.Lock(), threading.Lock()
        self._supports: dict[ChecksumAlgorithm, Support] = {}
        self._capabilities: Capabilities | None = None
        self._failure: errors.BluegridError | None = None
        """Error of the last probe that failed."""

    def get(self, key: str) -> bytes:
        """Return the object."""
        with self._sure_of_absence(key):
            return self._wire.get(key)

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """Return a part of the object."""
        with self._sure_of_absence(key):
            data, is_part = self._wire.part(key, offset, length)
        # Some servers ignore the range, and return the whole object.
        return data if is_part else data[offset : offset + length]

    def keys(self, prefix: str) -> Iterator[StoredObject]:
        """List the objects whose keys begin with `prefix`."""
        more: dict[str, str] | None = {}
        while more is not None:
            page = self._wire.page(prefix, more)
            listed = self._wire.server.time
            for found in page.get("Contents", ()):
                key = found["Key"].removeprefix(self._wire.prefix)
                yield StoredObject(key, found["Size"], found["LastModified"], listed)
            more = {"ContinuationToken": page["NextContinuationToken"]} if page["IsTruncated"] else None

    def leftovers(self, prefix: str) -> Iterator[StoredObject]:  # noqa: ARG002 - of the protocol
        """Return nothing: an interrupted PUT leaves nothing behind."""
        return iter(())

    def delete(self, key: str) -> None:
        """Remove the object, if there is one."""
        self._wire.delete(key)

    def put(self, key: str, data: bytes, checksum: Checksum, *, replace: bool = True) -> None:
        """Write the object with its checksum."""
        # If an earlier probe has found atomic writes, this process' probe may still run: the object's key
        # follows from its bytes, and the commit waits.
        if self._capabilities is not None or recall(self.url) is None:
            self._require_atomic_writes()
        self._write(key, data, checksum, {} if replace else {"IfNoneMatch": "*"})

    def put_once(self, key: str, data: bytes, checksum: Checksum | None = None) -> None:
        """Write the object if there is none."""
        self._require_atomic_writes()
        self._write(key, data, checksum or Checksum.of(data), {"IfNoneMatch": "*"})

    def copy(self, source: str, target: str) -> None:
        """Copy the object within the bucket; no byte comes here."""
        self._wire.copy(source, target)

    def probe(self) -> Capabilities:
        """Detect the capabilities of the server, or recall them from an earlier probe."""
        earlier = self._failure
        with self._probing:
            if self._capabilities is None:
                # Failed while this thread waited: another probe would take as long, and fail too.
                if (failure := self._failure) is not None and failure is not earlier:
                    raise failure
                try:
                    self._capabilities = self._detect()
                except errors.BluegridError as error:
                    self._failure = error
                    raise
                self._failure = None
            return self._capabilities

    def _detect(self) -> Capabilities:
        # Probes run at the same time: a commit waits for their results, and any write to a new server.
        with ThreadPoolExecutor(3) as pool:
            support = pool.submit(self._support, ChecksumAlgorithm.CRC64NVME)
            if known := recall(self.url):
                pool.submit(self._wire.open_connections, _SPARE)
                is_honoured = honours_condition(self._wire)
                verifies = support.result() is Support.VERIFIED
                # Another server may answer at this address by now.
                if is_honoured and known.server == self._wire.server.name:
                    return Capabilities(
                        verifies,
                        conditional_writes=True,
                        ranges=known.ranges,
                        single_winner=known.single_winner,
                    )
            ranges = pool.submit(gives_ranges, self._wire)
            conditional = conditional_of(self._wire)
            is_atomic = conditional in (Conditional.ATOMIC, Conditional.WINDOW)
            found = Known(
                server=self._wire.server.name,
                ranges=ranges.result(),
                single_winner=conditional is Conditional.ATOMIC,
                found=datetime.now(UTC),
            )
            remember(self.url, found if is_atomic else None)
            verifies = support.result() is Support.VERIFIED
            fault = _NOT_ATOMIC if conditional is Conditional.NOT_ATOMIC else None
            return Capabilities(verifies, is_atomic, found.ranges, found.single_winner, fault)

    def _require_atomic_writes(self) -> None:
        capabilities = self.probe()
        if not capabilities.conditional_writes:
            fault = capabilities.fault and f"conditional writes are {capabilities.fault}"
            what = fault or "the server ignores If-None-Match"
            follows = "so that two pushes of one version could both win"
            raise errors.StoreError(f"{self.url}: {what}, {follows}; use one that honours it, as AWS S3 does")

    def _support(self, algorithm: ChecksumAlgorithm) -> Support:
        # A thread waits for the probe of another: a second probe would end later.
        with self._supporting:
            if algorithm not in self._supports:
                self._supports[algorithm] = support_of(self._wire, algorithm)
            return self._supports[algorithm]

    def _write(self, key: str, data: bytes, checksum: Checksum, condition: dict[str, Any]) -> None:
        algorithm = checksum.algorithm
        if self._supports.get(algorithm) is not Support.VERIFIED:
            self._check_before_sending(key, data, checksum)
        try:
            answer = self._send(key, data, checksum, condition)
        except Forbidden:
            # Some servers check for a lock before they check whether the object exists.
            if condition and self._exists(key):
                raise errors.ObjectExists(f"{self.url}: {key} exists, and is locked") from None
            raise
        # A response without the server's checksum may be the response to another request.
        if answered(answer, algorithm) == checksum.value and self._support(algorithm) is Support.VERIFIED:
            return
        if not self._holds(key, checksum):
            raise errors.IntegrityError(
                f"{self.url}: {key}: the server holds other bytes than were sent: push again"
            )

    def _send(
        self, key: str, data: bytes, checksum: Checksum, condition: dict[str, Any]
    ) -> PutObjectOutputTypeDef:
        algorithm = checksum.algorithm
        if has_header(algorithm) and self._supports.get(algorithm) is not Support.REFUSED:
            try:
                return self._wire.put(key, data, {**header(checksum), **condition})
            except Unclear as error:
                if self._support(algorithm) is Support.VERIFIED:
                    self._check_before_sending(key, data, checksum)
                    if _is_about_checksum(error):
                        raise errors.IntegrityError(f"{error}; none of it is kept: push again") from None
                if self._support(algorithm) is not Support.REFUSED:
                    raise
        proof = metadata(checksum)
        # Every server supports MD5, and buckets with object lock refuse objects without it.
        if self._support(ChecksumAlgorithm.MD5) is not Support.REFUSED:
            proof |= header(Checksum.of(data, ChecksumAlgorithm.MD5))
        return self._wire.put(key, data, {**proof, **condition})

    def _check_before_sending(self, key: str, data: bytes, checksum: Checksum) -> None:
        if Checksum.of(data, checksum.algorithm) != checksum:
            differs = f"{checksum.algorithm} differs before sending"
            raise errors.IntegrityError(f"{self.url}: {key}: {differs}, nothing is kept; push again")

    def _exists(self, key: str) -> bool:
        try:
            self.get_range(key, 0, 1)
        except errors.StoreError:
            return False
        return True

    def _holds(self, key: str, checksum: Checksum) -> bool:
        try:
            return Checksum.of(self.get(key), checksum.algorithm) == checksum
        except errors.ObjectMissing:
            return False

    @contextmanager
    def _sure_of_absence(self, key: str) -> Iterator[None]:
        """Distinguish a missing object from a wrong address, if the response is only 404."""
        try:
            yield
        except NothingThere as error:
            try:
                found = self._wire.page(key, {"MaxKeys": 1}).get("Contents", ())
            except errors.StoreError:
                raise error from None
            if any(row["Key"] == self._wire.prefix + key for row in found):
                raise
            raise errors.ObjectMissing(f"{self.url}: no object {key}") from None


def _is_about_checksum(error: Unclear) -> bool:
    return any(word in str(error).lower() for word in ("checksum", "digest", "md5", "crc", "sha"))
