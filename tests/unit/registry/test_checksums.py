"""Checksums have the values that their standards publish."""

from __future__ import annotations

import base64

from model_registry import Checksum, sha256_digest, sha256_hex


def test_crc64nvme_has_its_published_check_value() -> None:
    # CRC-64/NVME of "123456789" in the CRC catalogue.
    assert base64.b64decode(Checksum.of(b"123456789").value).hex() == "ae8b14860a799888"


def test_crc64nvme_keeps_its_leading_zeros() -> None:
    assert len(base64.b64decode(Checksum.of(b"").value)) == 8


def test_sha256_has_its_published_value() -> None:
    # FIPS 180-2, appendix B.1.
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_hex(b"abc") == expected
    assert sha256_digest(b"abc") == f"sha256:{expected}"
