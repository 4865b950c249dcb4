"""Checksums in requests to an S3 server, and in its responses."""

from __future__ import annotations

import base64
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bluegrid_registry.formats.checksums import Checksum, ChecksumAlgorithm

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import PutObjectOutputTypeDef

_WITHOUT_HEADER = (ChecksumAlgorithm.CRC64XZ, ChecksumAlgorithm.BLAKE3)


class Support(StrEnum):
    """How a server treats the header of a checksum algorithm."""

    VERIFIED = "verified"
    """The server refuses an object that differs from the checksum."""
    IGNORED = "ignored"
    """The server accepts any value."""
    REFUSED = "refused"
    """The server refuses writes with this header, or S3 has no header for this algorithm."""


def has_header(algorithm: ChecksumAlgorithm) -> bool:
    """Whether S3 has a header for this algorithm."""
    return algorithm not in _WITHOUT_HEADER


def header(checksum: Checksum) -> dict[str, Any]:
    """Return the parameters of a PUT with a checksum for the server to verify."""
    # MD5's header is older than the others: every server supports it.
    if checksum.algorithm is ChecksumAlgorithm.MD5:
        return {"ContentMD5": checksum.value}
    # No x-amz-sdk-checksum-algorithm: some servers ignore the value if it is present.
    return {f"Checksum{checksum.algorithm}": checksum.value}


def metadata(checksum: Checksum) -> dict[str, Any]:
    """Return the parameters of a PUT that store the checksum as metadata; no server verifies it."""
    return {"Metadata": {"bluegrid-checksum": f"{checksum.algorithm}:{checksum.value}"}}


def answered(answer: PutObjectOutputTypeDef, algorithm: ChecksumAlgorithm) -> object:
    """Return checksum 2, which the server has computed from the stored bytes."""
    if algorithm is not ChecksumAlgorithm.MD5:
        return answer.get(f"Checksum{algorithm}")
    try:
        return base64.b64encode(bytes.fromhex(answer["ETag"].strip('"'))).decode()
    except (LookupError, ValueError):
        # The ETag of an encrypted object is not its MD5.
        return None
