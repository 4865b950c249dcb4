"""Checksums have the values published in their standards."""

from __future__ import annotations

import base64

import pytest

from bluegrid_registry import Checksum, ChecksumAlgorithm, sha256_digest, sha256_hex

# Of the nine bytes "123456789": for the CRCs the check values of the CRC catalogue
# (reveng.sourceforge.io/crc-catalogue: CRC-32/ISO-HDLC, CRC-32/ISCSI, CRC-64/NVME, CRC-64/XZ); for the others
# what md5sum, sha1sum, sha256sum and b3sum print.
OF_123456789 = {
    "CRC32": "cbf43926",
    "CRC32C": "e3069283",
    "CRC64NVME": "ae8b14860a799888",
    "CRC64XZ": "995dc9bbdf1939fa",
    "MD5": "25f9e794323b453885f5181f1b624d0b",
    "SHA1": "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
    "SHA256": "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
    "BLAKE3": "b7d65b48420d1033cb2595293263b6f72eabee20d55e699d0df1973b3c9deed1",
}

# RFC 1321 A.5; FIPS 180-2 A.1 and B.1; the BLAKE3 team's test_vectors.json has "" (input_len 0).
PUBLISHED = [
    ("MD5", b"abc", "900150983cd24fb0d6963f7d28e17f72"),
    ("SHA1", b"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    ("SHA256", b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ("BLAKE3", b"", "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
    # 32 bytes of zeros and of ones: RFC 3720, appendix B.4, with its bytes in the order of the value.
    ("CRC32C", bytes(32), "8a9136aa"),
    ("CRC32C", b"\xff" * 32, "62a8ab43"),
]


def hex_of(data: bytes, algorithm: str) -> str:
    checksum = Checksum.of(data, ChecksumAlgorithm(algorithm))
    assert checksum.algorithm == algorithm
    return base64.b64decode(checksum.value, validate=True).hex()


def test_every_algorithm_has_a_check_value() -> None:
    assert OF_123456789.keys() == {*ChecksumAlgorithm}


@pytest.mark.parametrize("algorithm", OF_123456789)
def test_an_algorithm_has_its_published_check_value(algorithm: str) -> None:
    assert hex_of(b"123456789", algorithm) == OF_123456789[algorithm]


@pytest.mark.parametrize(("algorithm", "data", "value"), PUBLISHED)
def test_an_algorithm_has_the_values_of_its_standard(algorithm: str, data: bytes, value: str) -> None:
    assert hex_of(data, algorithm) == value


@pytest.mark.parametrize("algorithm", OF_123456789)
def test_a_checksum_keeps_its_leading_zeros(algorithm: str) -> None:
    size = len(OF_123456789[algorithm])
    values = [hex_of(b"%d" % number, algorithm) for number in range(2000)]
    assert any(value.startswith("00") for value in values)
    assert {len(value) for value in values} == {size}


@pytest.mark.parametrize("algorithm", OF_123456789)
def test_a_view_has_the_checksum_of_its_bytes(algorithm: str) -> None:
    view = memoryview(b"<123456789>")[1:-1]
    assert Checksum.of(view, ChecksumAlgorithm(algorithm)) == Checksum.of(
        b"123456789", ChecksumAlgorithm(algorithm)
    )


@pytest.mark.parametrize("algorithm", OF_123456789)
def test_a_flipped_bit_changes_every_checksum(algorithm: str) -> None:
    sound = bytes(range(256))
    right = hex_of(sound, algorithm)
    for bit in range(0, 8 * len(sound), 7):
        data = bytearray(sound)
        data[bit // 8] ^= 1 << bit % 8
        assert hex_of(bytes(data), algorithm) != right


def test_without_a_choice_it_is_the_one_that_every_s3_server_of_today_knows() -> None:
    assert Checksum.of(b"123456789") == Checksum(ChecksumAlgorithm.CRC64NVME, "rosUhgp5mIg=")


def test_sha256_is_written_as_the_registry_writes_it() -> None:
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_hex(b"abc") == expected
    assert sha256_digest(b"abc") == f"sha256:{expected}"
