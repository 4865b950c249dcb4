"""The two kinds of checksum: what names bytes, and what guards them on their way.

SHA-256 is the identity of models, packs and manifests. CRC-64/NVME travels with every object that is
stored: it is taken before sending (checksum 1) and computed again by the store (checksum 2), which keeps
the object only if they are equal. S3 servers know that algorithm as a header; it is the one CRC-64 they all
speak.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Literal

from awscrt import checksums as awscrt


def sha256_hex(data: bytes | memoryview) -> str:
    """SHA-256 of `data` as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_digest(data: bytes | memoryview) -> str:
    """SHA-256 of `data` as the registry writes it: `sha256:<64 hex digits>`."""
    return f"sha256:{sha256_hex(data)}"


@dataclass(frozen=True)
class Checksum:
    """A checksum in transit: S3's name of the algorithm, and the value in base64 as in S3's header."""

    algorithm: Literal["CRC64NVME"]
    value: str

    @classmethod
    def of(cls, data: bytes) -> Checksum:
        """Return the CRC-64/NVME of `data`."""
        crc: int = awscrt.crc64nvme(data)
        return cls("CRC64NVME", base64.b64encode(crc.to_bytes(8, "big")).decode())
