"""Checksums on their way to an S3 server: in which header, and what comes back."""

from __future__ import annotations

import base64
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bluegrid_registry.formats.checksums import Checksum, ChecksumAlgorithm

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import PutObjectOutputTypeDef

_WITHOUT_HEADER = (ChecksumAlgorithm.CRC64XZ, ChecksumAlgorithm.BLAKE3)


class Support(StrEnum):
    """What a server makes of a checksum's header."""

    VERIFIED = "verified"
    """It keeps nothing that differs."""
    IGNORED = "ignored"
    """It takes any value."""
    REFUSED = "refused"
    """It takes no write with this header alone, or S3 has none for this algorithm."""


def has_header(algorithm: ChecksumAlgorithm) -> bool:
    """Whether S3 has a header for this algorithm."""
    return algorithm not in _WITHOUT_HEADER


def header(checksum: Checksum) -> dict[str, Any]:
    """Return the parameters of a PUT by which S3 verifies."""
    # MD5's header is older than the rest: what every server knows.
    if checksum.algorithm is ChecksumAlgorithm.MD5:
        return {"ContentMD5": checksum.value}
    # Without x-amz-sdk-checksum-algorithm beside it: by that, some servers take no notice of the value.
    return {f"Checksum{checksum.algorithm}": checksum.value}


def metadata(checksum: Checksum) -> dict[str, Any]:
    """Return the parameters of a PUT that keep the checksum beside the object; nobody verifies it."""
    return {"Metadata": {"bluegrid-checksum": f"{checksum.algorithm}:{checksum.value}"}}


def answered(answer: PutObjectOutputTypeDef, algorithm: ChecksumAlgorithm) -> object:
    """Return checksum 2: what the server has computed of the bytes that it holds."""
    if algorithm is not ChecksumAlgorithm.MD5:
        return answer.get(f"Checksum{algorithm}")
    try:
        return base64.b64encode(bytes.fromhex(answer["ETag"].strip('"'))).decode()
    except (LookupError, ValueError):
        # Of encrypted objects it is something else.
        return None
