"""The two kinds of checksum: SHA-256 names bytes, the other checksum guards them in transit.

SHA-256 is the identity of models, packs and manifests. A second checksum, of an algorithm that the pusher
chooses, travels with every stored object. It is computed before sending (checksum 1), and again by the store
(checksum 2), which keeps the object only if they are equal. Damaged bytes are transferred once more: most
damage happens in transit.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from bluegrid_registry.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class ChecksumAlgorithm(StrEnum):
    """Algorithm of the checksum that guards an object in transit; S3 has headers for the first members.

    The CRCs are those of the catalogue of parametrised CRC algorithms (reveng.sourceforge.io/crc-catalogue);
    what the AWS documentation calls CRC-64 is CRC-64/NVME. MD5 and SHA-1 are for servers that support
    nothing newer: they detect damage, not forgery.
    """

    CRC64NVME = "CRC64NVME"
    CRC32 = "CRC32"
    CRC32C = "CRC32C"
    SHA1 = "SHA1"
    SHA256 = "SHA256"
    MD5 = "MD5"
    CRC64XZ = "CRC64XZ"
    BLAKE3 = "BLAKE3"


@dataclass(frozen=True, slots=True)
class Checksum:
    """A transfer checksum: its algorithm, and its big-endian bytes in base64, as in S3's header."""

    algorithm: ChecksumAlgorithm
    value: str

    @classmethod
    def of(
        cls, data: bytes | memoryview, algorithm: ChecksumAlgorithm = ChecksumAlgorithm.CRC64NVME
    ) -> Checksum:
        """Return the checksum of `data`."""
        return cls(algorithm, base64.b64encode(_FUNCTIONS[algorithm](data)).decode())

    def to_bytes(self) -> bytes:
        """Return the value as big-endian bytes."""
        return base64.b64decode(self.value)


def sha256_hex(data: bytes | memoryview) -> str:
    """SHA-256 of `data` as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_digest(data: bytes | memoryview) -> str:
    """SHA-256 of `data` as the registry writes it: `sha256:<64 hex digits>`."""
    return f"sha256:{sha256_hex(data)}"


def retry_once(transfer: Callable[[], T]) -> T:
    """Return the result of `transfer`; call it a second time if the first call raises IntegrityError."""
    try:
        return transfer()
    except IntegrityError:
        return transfer()


def _crc(function: Callable[[bytes | memoryview], int], size: int) -> Callable[[bytes | memoryview], bytes]:
    return lambda data: function(data).to_bytes(size, "big")


# Imported when they are used: loading the three takes longer than reading a registry.


def _crc64nvme(data: bytes | memoryview) -> int:
    from awscrt import checksums

    return int(checksums.crc64nvme(data))


def _crc32c(data: bytes | memoryview) -> int:
    from awscrt import checksums

    return int(checksums.crc32c(data))


def _crc64xz(data: bytes | memoryview) -> int:
    from fastcrc import crc64

    return crc64.xz(data)


def _blake3(data: bytes | memoryview) -> bytes:
    from blake3 import blake3

    return blake3(data).digest()


_FUNCTIONS: dict[ChecksumAlgorithm, Callable[[bytes | memoryview], bytes]] = {
    ChecksumAlgorithm.CRC64NVME: _crc(_crc64nvme, 8),
    ChecksumAlgorithm.CRC32: _crc(zlib.crc32, 4),
    ChecksumAlgorithm.CRC32C: _crc(_crc32c, 4),
    ChecksumAlgorithm.SHA1: lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    ChecksumAlgorithm.SHA256: lambda data: hashlib.sha256(data).digest(),
    ChecksumAlgorithm.MD5: lambda data: hashlib.md5(data, usedforsecurity=False).digest(),
    ChecksumAlgorithm.CRC64XZ: _crc(_crc64xz, 8),
    ChecksumAlgorithm.BLAKE3: _blake3,
}
