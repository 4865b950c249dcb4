"""Keys are read strictly, are written readable by their owner only, and have OpenSSL's formats."""

from __future__ import annotations

import base64
import stat
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bluegrid_registry import ConfigError, KeyAlgorithm, PrivateKey, PublicKey

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("algorithm", KeyAlgorithm)
@pytest.mark.parametrize("passphrase", [None, "correct horse"])
def test_a_key_is_read_as_it_was_written(
    algorithm: KeyAlgorithm, passphrase: str | None, tmp_path: Path
) -> None:
    key = PrivateKey.generate(algorithm)
    path = tmp_path / "ops.pem"
    key.write(path, passphrase)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = PrivateKey.read(path, passphrase)
    assert again.algorithm is algorithm
    assert again.public("ops") == key.public("ops")
    assert (tmp_path / "ops.pem.pub").read_bytes() == key.public("ops").pem


@pytest.mark.parametrize("algorithm", KeyAlgorithm)
def test_a_public_key_fits_a_row_of_yaml(algorithm: KeyAlgorithm) -> None:
    private = PrivateKey.generate(algorithm)
    key = PublicKey.from_text("ops", private.public("ops").text)
    signature = private.sign(b"message")
    assert key.verifies(signature, b"message")
    assert not key.verifies(signature, b"Message")
    assert not key.verifies(b"", b"message")
    assert not key.verifies(signature[:-1], b"message")


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "ops.pem"
    PrivateKey.generate(KeyAlgorithm.ED25519).write(path)
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="exists and is never overwritten"):
        PrivateKey.generate(KeyAlgorithm.ED25519).write(path)
    assert path.read_bytes() == before


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ops.pem"
    PrivateKey.generate(KeyAlgorithm.ED25519).write(path)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="readable by others than its owner; chmod 600"):
        PrivateKey.read(path)


@pytest.mark.parametrize(
    ("written", "given", "reason"),
    [
        ("secret", None, "needs a passphrase"),
        ("secret", "other", "is wrong"),
        (None, "secret", "no passphrase"),
    ],
)
def test_a_wrong_passphrase_is_one_line(
    written: str | None, given: str | None, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "ops.pem"
    PrivateKey.generate(KeyAlgorithm.P256).write(path, written)
    with pytest.raises(ConfigError, match=reason) as caught:
        PrivateKey.read(path, given)
    assert str(path) in str(caught.value)


def _private_pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public_der(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def test_keys_of_other_kinds_are_refused(tmp_path: Path) -> None:
    rsa_key = rsa.generate_private_key(65537, 2048)
    for key in (rsa_key, ec.generate_private_key(ec.SECP384R1())):
        path = tmp_path / "key.pem"
        path.write_bytes(_private_pem(key))
        path.chmod(0o600)
        with pytest.raises(ConfigError, match="neither Ed25519 nor P-256"):
            PrivateKey.read(path)
        with pytest.raises(ConfigError, match="key ops: is neither Ed25519 nor P-256"):
            PublicKey("ops", _public_der(key.public_key()))


@pytest.mark.parametrize("text", ["", "*", "é", "AAAA", "\n"])
def test_what_is_no_public_key_is_one_line(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^key ops: is .*; make one, Ed25519 or P-256"):
        PublicKey.from_text("ops", text)


def test_what_is_no_private_key_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "ops.pem"
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        PrivateKey.read(path)
    path.write_bytes(b"garbage")
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="is not a private key in PEM"):
        PrivateKey.read(path)


def test_one_key_has_one_fingerprint() -> None:
    key = PrivateKey.generate(KeyAlgorithm.P256).public("ops")
    compressed = serialization.load_der_public_key(key.der)
    assert isinstance(compressed, ec.EllipticCurvePublicKey)
    point = compressed.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    # SubjectPublicKeyInfo of P-256 with the point in its short form: the same key in other bytes.
    prefix = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
    short = base64.b64encode(prefix + point).decode()
    with pytest.raises(ConfigError, match="is not as OpenSSL writes it"):
        PublicKey.from_text("ops", short)


def test_a_private_key_does_not_print_itself() -> None:
    assert "_key" not in repr(PrivateKey.generate(KeyAlgorithm.P256))


def test_a_key_whose_writer_is_killed_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        """The process was killed."""

    def die(descriptor: int) -> None:
        raise Killed

    monkeypatch.setattr("bluegrid_registry.files.os.fsync", die)
    with pytest.raises(Killed):
        PrivateKey.generate(KeyAlgorithm.ED25519).write(tmp_path / "ops.pem")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("algorithm", KeyAlgorithm)
def test_a_public_key_is_read_as_it_was_written(algorithm: KeyAlgorithm, tmp_path: Path) -> None:
    key = PrivateKey.generate(algorithm)
    key.write(tmp_path / "ops.pem")
    assert PublicKey.read("ops", tmp_path / "ops.pem.pub") == key.public("ops")


def test_a_file_without_a_public_key_is_refused(tmp_path: Path) -> None:
    PrivateKey.generate(KeyAlgorithm.ED25519).write(tmp_path / "ops.pem")
    with pytest.raises(ConfigError, match=r"ops\.pem: is not a public key in PEM; make one"):
        PublicKey.read("ops", tmp_path / "ops.pem")
    with pytest.raises(ConfigError, match=r"absent: cannot be read: No such file"):
        PublicKey.read("ops", tmp_path / "absent")
