"""A store in a bucket of any S3-compatible server.

Every object is one PUT with its checksum in the header that S3 has for it: the server computes it again and
keeps nothing that differs, and answers with what it has computed. Small probes before the first write find
out a server that only pretends to; what it takes is then read back, and so is what has a checksum that S3
knows no header for.
"""

from __future__ import annotations

import base64
import functools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore import exceptions as aws
from botocore.config import Config
from botocore.handlers import add_expect_header

from model_registry import errors
from model_registry.formats.checksums import Checksum, ChecksumAlgorithm
from model_registry.stores.base import Capabilities, StoredObject
from model_registry.stores.s3_errors import GARBLED, TAKEN, WRONG_BYTES, code, told

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef, PutObjectOutputTypeDef

T = TypeVar("T")

_DEFAULT_REGION = "us-east-1"
ATTEMPTS = 3
"""How often anything is asked for."""

READ_TIMEOUT = 60
"""Seconds to wait for the next bytes of an answer."""

_HEADERS = {
    algorithm: "ContentMD5" if algorithm is ChecksumAlgorithm.MD5 else f"Checksum{algorithm}"
    for algorithm in ChecksumAlgorithm
    if algorithm not in (ChecksumAlgorithm.CRC64XZ, ChecksumAlgorithm.BLAKE3)
}
"""The parameters of a PUT by which S3 verifies. MD5's is older than the rest: what every server knows."""

_CONFLICT_WAITS = (0.1, 0.2, 0.4, 0.8)
"""Seconds between tries while another conditional write is under way, where S3 asks for a retry (409)."""


class S3Store:
    """A store below `prefix` in `bucket`; safe to use from many threads.

    Args:
        bucket: a bucket that exists.
        prefix: what all keys begin with, without slashes around it; may be empty.
        endpoint: the server's URL; None: AWS.
        region: the bucket's region; None: us-east-1.
    """

    def __init__(self, bucket: str, prefix: str, endpoint: str | None, region: str | None) -> None:
        self.url = f"s3://{bucket}/{prefix}" + (f" at {endpoint}" if endpoint else "")
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        config = Config(
            # An address that nothing listens at is told within seconds.
            connect_timeout=3,
            read_timeout=READ_TIMEOUT,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            max_pool_connections=16,
            # Checksums are ours: one in a header for the server, SHA-256 of every model after a read. What
            # botocore would add by itself breaks several servers and is wrong for ranges.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={
                "addressing_style": "path" if endpoint else "auto",
                # The signature covers the checksum's header, and that the bytes: to hash them once more for
                # the signature would take as long as to send them.
                "payload_signing_enabled": False,
            },
        )
        try:
            self._client = boto3.session.Session().client(
                "s3", endpoint_url=endpoint, region_name=region or _DEFAULT_REGION, config=config
            )
        except (ValueError, aws.BotoCoreError) as error:
            raise errors.ConfigError(
                f"store {self.url}: {error}; mend its address, or the AWS set-up"
            ) from None
        # Waiting for "100 Continue" would cost every PUT one more round trip.
        self._client.meta.events.unregister("before-call.s3", add_expect_header)
        self._probing = threading.Lock()
        self._verifies: dict[ChecksumAlgorithm, bool] = {}
        self._capabilities: Capabilities | None = None

    def get(self, key: str) -> bytes:
        """Return the object."""
        whole = self._prefix + key
        return self._ask(key, lambda: self._client.get_object(Bucket=self._bucket, Key=whole)["Body"].read())

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """Return a part of the object."""
        data, is_part = self._ask(key, lambda: self._part(key, offset, length))
        # A server may ignore the range, and give all.
        return data if is_part else data[offset : offset + length]

    def _part(self, key: str, offset: int, length: int) -> tuple[bytes, bool]:
        span = f"bytes={offset}-{offset + length - 1}"
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key, Range=span)
        except aws.ClientError as error:
            if code(error) in ("InvalidRange", "416"):
                return b"", True
            raise
        return answer["Body"].read(), "ContentRange" in answer

    def keys(self, prefix: str) -> Iterator[StoredObject]:
        """List the objects whose keys begin with `prefix`."""
        more: dict[str, str] | None = {}
        while more is not None:
            page = self._ask(prefix, functools.partial(self._page, self._prefix + prefix, more))
            for found in page.get("Contents", ()):
                key = found["Key"].removeprefix(self._prefix)
                yield StoredObject(key, found["Size"], found["LastModified"])
            more = {"ContinuationToken": page["NextContinuationToken"]} if page["IsTruncated"] else None

    def _page(self, prefix: str, more: dict[str, Any]) -> ListObjectsV2OutputTypeDef:
        page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, **more)
        found = page.get("Contents", [])
        # What is not listed is taken for garbage: a list is whole, or it is none.
        if page.get("KeyCount", len(found)) != len(found):
            raise ValueError(f"the list has {len(found)} objects of {page['KeyCount']}")
        if page.get("IsTruncated") is not ("NextContinuationToken" in page):
            raise ValueError("the list is cut short")
        if not all(row["Key"].startswith(prefix) for row in found):
            raise ValueError("the list has objects that were not asked for")
        return page

    def delete(self, key: str) -> None:
        """Remove the object, if there is one."""
        self._ask(key, lambda: self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key))

    def put(self, key: str, data: bytes, checksum: Checksum, *, replace: bool = True) -> None:
        """Write the object with its checksum."""
        request = self._request(key, data, checksum)
        self._write(key, request if replace else {**request, "IfNoneMatch": "*"}, data, checksum)

    def put_once(self, key: str, data: bytes, checksum: Checksum | None = None) -> None:
        """Write the object if there is none."""
        checksum = checksum or Checksum.of(data)
        self._check_conditional()
        self._write(key, {**self._request(key, data, checksum), "IfNoneMatch": "*"}, data, checksum)

    def _check_conditional(self) -> None:
        if not self.probe().conditional_writes:
            what = "the server ignores If-None-Match, so that two pushes of one version could both win"
            raise errors.StoreError(f"{self.url}: {what}; use one that honours it, as AWS S3 does")

    def probe(self) -> Capabilities:
        """Find out what the server does by itself; once, by writing the object `probe`."""
        with self._probing:
            if self._capabilities is None:
                probe = {**self._request("probe", b"probe", Checksum.of(b"probe")), "IfNoneMatch": "*"}
                # At once: the first write waits for them.
                with ThreadPoolExecutor(2) as pool:
                    verified = pool.submit(self._is_verified, ChecksumAlgorithm.CRC64NVME)
                    ranges = pool.submit(self._gives_ranges)
                    # The first one may be the first ever.
                    is_conditional = any(self._is_refused(probe, TAKEN) for _ in range(2))
                    try:
                        gives_ranges = ranges.result()
                    except errors.ObjectMissing:
                        gives_ranges = self._gives_ranges()
                    self._capabilities = Capabilities(verified.result(), is_conditional, gives_ranges)
            return self._capabilities

    def _gives_ranges(self) -> bool:
        return self._ask("probe", lambda: self._part("probe", 1, 2))[1]

    def _is_verified(self, algorithm: ChecksumAlgorithm) -> bool:
        # Two threads may both find out: it costs less than that one waits for the other.
        if algorithm not in self._verifies:
            request = self._request("probe", b"probe", Checksum.of(b"other bytes", algorithm))
            self._verifies[algorithm] = algorithm in _HEADERS and self._is_refused(request, WRONG_BYTES)
        return self._verifies[algorithm]

    def _is_refused(self, request: dict[str, Any], codes: Collection[str]) -> bool:
        def ask() -> bool:
            try:
                self._send(request)
            except aws.ClientError as error:
                if code(error) not in {*codes, "NotImplemented"}:
                    raise
                return code(error) in codes
            return False

        return self._ask("probe", ask)

    def _request(self, key: str, data: bytes, checksum: Checksum) -> dict[str, Any]:
        proof: dict[str, Any] = {"Metadata": {"bluegrid-checksum": f"{checksum.algorithm}:{checksum.value}"}}
        if checksum.algorithm in _HEADERS:
            proof = {_HEADERS[checksum.algorithm]: checksum.value}
        return {"Bucket": self._bucket, "Key": self._prefix + key, "Body": data, **proof}

    def _write(self, key: str, request: dict[str, Any], data: bytes, checksum: Checksum) -> None:
        is_known = self._verifies.get(checksum.algorithm, False)
        if not is_known and Checksum.of(data, checksum.algorithm) != checksum:
            differs = f"{checksum.algorithm} differs before sending"
            raise errors.IntegrityError(f"{self.url}: {key}: {differs}, nothing was sent; push again")
        answer = self._ask(key, lambda: self._send(request))
        # Looked at now, what the server can do was found out meanwhile.
        self._check_conditional()
        # Without the server's checksum it may be the answer to anything.
        is_same = _answered(answer, checksum.algorithm) == checksum.value
        if is_same and self._is_verified(checksum.algorithm):
            return
        if not self._holds(key, checksum):
            raise errors.IntegrityError(
                f"{self.url}: {key}: the server holds other bytes than were sent: push again"
            )

    def _holds(self, key: str, checksum: Checksum) -> bool:
        try:
            return Checksum.of(self.get(key), checksum.algorithm) == checksum
        except errors.ObjectMissing:
            return False

    def _send(self, request: dict[str, Any]) -> PutObjectOutputTypeDef:
        for wait in _CONFLICT_WAITS:
            try:
                return self._client.put_object(**request)
            except aws.ClientError as error:
                if code(error) != "ConditionalRequestConflict":
                    raise
                time.sleep(wait)
        return self._client.put_object(**request)

    def _ask(self, key: str, ask: Callable[[], T]) -> T:
        """Ask the server, and again where its answer is garbled; where there is none, botocore does."""
        with told(self.url, key):
            for _ in range(ATTEMPTS - 1):
                try:
                    return ask()
                except GARBLED:
                    pass
                except aws.ClientError as error:
                    if not code(error).isdigit():
                        raise
            return ask()


def _answered(answer: PutObjectOutputTypeDef, algorithm: ChecksumAlgorithm) -> object:
    """Return checksum 2: what the server has computed of the bytes that it holds."""
    if algorithm is not ChecksumAlgorithm.MD5:
        return answer.get(f"Checksum{algorithm}")
    try:
        return base64.b64encode(bytes.fromhex(answer["ETag"].strip('"'))).decode()
    except (LookupError, ValueError):
        # Of encrypted objects it is something else.
        return None
