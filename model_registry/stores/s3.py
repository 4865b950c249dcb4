"""A store in a bucket of any S3-compatible server.

Every object is one PUT with its checksum in the header that S3 has for it: the server computes it again and
keeps nothing that differs. Two small probes before the first write find out a server that only pretends to;
what it takes is then read back, and so is what has a checksum that S3 knows no header for.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
from botocore import exceptions as aws
from botocore.config import Config
from botocore.handlers import add_expect_header

from model_registry import errors
from model_registry.formats.checksums import Checksum, ChecksumAlgorithm
from model_registry.stores.base import StoredObject
from model_registry.stores.capabilities import Capabilities

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from mypy_boto3_s3.type_defs import PutObjectRequestTypeDef

_DEFAULT_REGION = "us-east-1"
_WRONG_BYTES = {"BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"}
_WRONG_CREDENTIALS = {"AccessDenied", "ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
_CREDENTIALS_REMEDY = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_TAKEN = "PreconditionFailed"

READ_TIMEOUT = 60
"""Seconds to wait for the next bytes of an answer."""

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
            retries={"mode": "standard", "total_max_attempts": 3},
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
        session = boto3.session.Session()
        self._client = session.client(
            "s3", endpoint_url=endpoint, region_name=region or _DEFAULT_REGION, config=config
        )
        # Waiting for "100 Continue" would cost every PUT one more round trip.
        self._client.meta.events.unregister("before-call.s3", add_expect_header)
        self._probing = threading.Lock()
        self._capabilities: Capabilities | None = None

    def get(self, key: str) -> bytes:
        """Return the object."""
        with self._told(key):
            return self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)["Body"].read()

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """Return a part of the object."""
        span = f"bytes={offset}-{offset + length - 1}"
        with self._told(key):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key, Range=span)
            except aws.ClientError as error:
                if _code(error) == "InvalidRange":
                    return b""
                raise
            data = answer["Body"].read()
        # A server may ignore the range, and give all.
        return data if "ContentRange" in answer else data[offset : offset + length]

    def keys(self, prefix: str) -> Iterator[StoredObject]:
        """List the objects whose keys begin with `prefix`."""
        pages = self._client.get_paginator("list_objects_v2")
        with self._told(prefix):
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix):
                for found in page.get("Contents", ()):
                    key = found["Key"].removeprefix(self._prefix)
                    yield StoredObject(key, found["Size"], found["LastModified"])

    def delete(self, key: str) -> None:
        """Remove the object, if there is one."""
        with self._told(key):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)

    def put(self, key: str, data: bytes, checksum: Checksum) -> None:
        """Write the object with its checksum."""
        self._write(key, self._request(key, data, checksum), checksum)

    def put_once(self, key: str, data: bytes, checksum: Checksum | None = None) -> None:
        """Write the object if there is none."""
        checksum = checksum or Checksum.of(data)
        self._write(key, {**self._request(key, data, checksum), "IfNoneMatch": "*"}, checksum)

    def probe(self) -> Capabilities:
        """Find out what the server does by itself; once, by writing the object `probe`."""
        with self._probing, self._told("probe"):
            if self._capabilities is None:
                self._capabilities = Capabilities(
                    verifies_checksums=self._refuses(
                        self._request("probe", b"probe", Checksum.of(b"other bytes")), _WRONG_BYTES
                    ),
                    # The first one may be the first ever.
                    conditional_writes=any(self._refuses(self._probe_once(), {_TAKEN}) for _ in range(2)),
                )
            return self._capabilities

    def _probe_once(self) -> PutObjectRequestTypeDef:
        return {**self._request("probe", b"probe", Checksum.of(b"probe")), "IfNoneMatch": "*"}

    def _refuses(self, request: PutObjectRequestTypeDef, codes: Collection[str]) -> bool:
        try:
            self._send(request)
        except aws.ClientError as error:
            if _code(error) not in codes:
                raise
            return True
        return False

    def _request(self, key: str, data: bytes, checksum: Checksum) -> PutObjectRequestTypeDef:
        request: PutObjectRequestTypeDef = {"Bucket": self._bucket, "Key": self._prefix + key, "Body": data}
        match checksum.algorithm:
            case ChecksumAlgorithm.CRC64NVME:
                request["ChecksumCRC64NVME"] = checksum.value
            case ChecksumAlgorithm.CRC32:
                request["ChecksumCRC32"] = checksum.value
            case ChecksumAlgorithm.CRC32C:
                request["ChecksumCRC32C"] = checksum.value
            case ChecksumAlgorithm.SHA1:
                request["ChecksumSHA1"] = checksum.value
            case ChecksumAlgorithm.SHA256:
                request["ChecksumSHA256"] = checksum.value
            case ChecksumAlgorithm.MD5:
                # Older than all of them: what every server knows.
                request["ContentMD5"] = checksum.value
            case _:
                request["Metadata"] = {"bluegrid-checksum": f"{checksum.algorithm}:{checksum.value}"}
        return request

    def _write(self, key: str, request: PutObjectRequestTypeDef, checksum: Checksum) -> None:
        capabilities = self.probe()
        if not capabilities.conditional_writes:
            what = "the server ignores If-None-Match, so that two pushes of one version could both win"
            raise errors.StoreError(f"{self.url}: {what}; use one that honours it, as AWS S3 does")
        with self._told(key):
            self._send(request)
        is_verified = capabilities.verifies_checksums and "Metadata" not in request
        if not is_verified and Checksum.of(self.get(key), checksum.algorithm) != checksum:
            raise errors.IntegrityError(
                f"{self.url}: {key}: the server holds other bytes than were sent: push again"
            )

    def _send(self, request: PutObjectRequestTypeDef) -> None:
        for wait in _CONFLICT_WAITS:
            try:
                self._client.put_object(**request)
            except aws.ClientError as error:
                if _code(error) != "ConditionalRequestConflict":
                    raise
                time.sleep(wait)
            else:
                return
        self._client.put_object(**request)

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        try:
            yield
        except aws.ClientError as error:
            raise self._refusal(key, error) from None
        except (aws.ConnectionError, aws.HTTPClientError) as error:
            reason = " ".join(str(error).split())
            remedy = "is the server running, and the address right?"
            raise errors.StoreUnreachable(f"{self.url}: no answer: {reason} ({remedy})") from None
        except (aws.NoCredentialsError, aws.PartialCredentialsError):
            raise errors.ConfigError(f"{self.url}: no credentials; {_CREDENTIALS_REMEDY}") from None
        except aws.BotoCoreError as error:
            raise errors.StoreError(f"{self.url}: {key}: {' '.join(str(error).split())}") from None

    def _refusal(self, key: str, error: aws.ClientError) -> errors.BluegridError:
        code = _code(error)
        if code in ("NoSuchKey", "404"):
            return errors.ObjectMissing(f"{self.url}: no object {key}")
        if code == _TAKEN:
            return errors.ObjectExists(f"{self.url}: {key} exists")
        if code in _WRONG_BYTES:
            return errors.IntegrityError(
                f"{self.url}: {key}: other bytes arrived than were sent ({code}), none are kept; push again"
            )
        if code in _WRONG_CREDENTIALS:
            return errors.StoreError(f"{self.url}: {key}: refused ({code}); {_CREDENTIALS_REMEDY}")
        if code == "NoSuchBucket":
            return errors.StoreError(f"{self.url}: no such bucket; create it, or mend the store's address")
        message = " ".join(error.response["Error"].get("Message", "").split())
        return errors.StoreError(f"{self.url}: {key}: {code}: {message}")


def _code(error: aws.ClientError) -> str:
    return error.response["Error"].get("Code", "unknown")
