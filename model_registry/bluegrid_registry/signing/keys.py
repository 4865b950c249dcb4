"""Keys that sign versions: Ed25519 or P-256, in the formats of OpenSSL.

A private key is a PKCS#8 PEM file that only its owner can read, encrypted if a passphrase is given. A public
key is the base64 of its DER SubjectPublicKeyInfo (RFC 5280), on one line, so that it fits a row of YAML.
"""

from __future__ import annotations

import base64
import os
import stat
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from bluegrid_registry.errors import ConfigError
from bluegrid_registry.files import publish_new, write_whole
from bluegrid_registry.formats.checksums import sha256_hex
from bluegrid_registry.names import check_label
from bluegrid_registry.remedies import Remedy

if TYPE_CHECKING:
    from pathlib import Path

_ECDSA = ec.ECDSA(hashes.SHA256())


class KeyAlgorithm(StrEnum):
    """The algorithm of a key."""

    ED25519 = "ed25519"
    P256 = "p256"


@dataclass(frozen=True)
class PublicKey:
    """A trusted key, from a set's YAML or a pod's settings."""

    id: str
    """Name of the key, such as ops-2026; verification does not use it."""
    der: bytes
    """SubjectPublicKeyInfo, as OpenSSL writes it."""
    _key: ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey = field(
        init=False, repr=False, compare=False, hash=False
    )

    def __post_init__(self) -> None:
        try:
            check_label(self.id)
        except ValueError as error:
            raise ConfigError(f"key: {error}") from None
        try:
            key = serialization.load_der_public_key(self.der)
        except (ValueError, UnsupportedAlgorithm):
            raise ConfigError(f"key {self.id}: is not a DER public key", Remedy.MAKE_KEY) from None
        if not isinstance(key, ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey) or not _is_p256(key):
            raise ConfigError(f"key {self.id}: is neither Ed25519 nor P-256", Remedy.MAKE_KEY)
        if _der(key) != self.der:
            # One key must have one fingerprint; other programs may write a compressed point.
            raise ConfigError(f"key {self.id}: is not as OpenSSL writes it", Remedy.MAKE_KEY)
        object.__setattr__(self, "_key", key)

    @classmethod
    def from_text(cls, key_id: str, public: str) -> PublicKey:
        """Return the key that a row of YAML holds, or raise ConfigError.

        Args:
            key_id: name of the key.
            public: base64 of its DER SubjectPublicKeyInfo.
        """
        try:
            return cls(key_id, base64.b64decode(public, validate=True))
        except ValueError:
            raise ConfigError(f"key {key_id}: is not base64", Remedy.MAKE_KEY) from None

    @classmethod
    def read(cls, key_id: str, path: Path) -> PublicKey:
        """Return the key in a PEM file, such as `PrivateKey.write` makes; ConfigError if the file has none.

        Args:
            key_id: name of the key.
            path: of the file.
        """
        try:
            with path.open("rb") as file:
                pem = file.read(_MAX_PEM_BYTES)
        except OSError as error:
            raise ConfigError(f"key {path}: cannot be read: {error.strerror or error}") from None
        try:
            der = serialization.load_pem_public_key(pem).public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        except (ValueError, UnsupportedAlgorithm):
            raise ConfigError(f"key {path}: is not a public key in PEM", Remedy.MAKE_KEY) from None
        return cls(key_id, der)

    @property
    def text(self) -> str:
        """The key as in a row of YAML."""
        return base64.b64encode(self.der).decode()

    @property
    def pem(self) -> bytes:
        """The key as a PEM file."""
        return self._key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the key, 64 hex digits; part of the keys of its signatures in a store."""
        return sha256_hex(self.der)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether `signature` is this key's signature over `message`."""
        try:
            if isinstance(self._key, ed25519.Ed25519PublicKey):
                self._key.verify(signature, message)
            else:
                self._key.verify(signature, message, _ECDSA)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, repr=False)
class PrivateKey:
    """A key that signs; it has no ID."""

    _key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey

    @classmethod
    def generate(cls, algorithm: KeyAlgorithm) -> PrivateKey:
        """Return a new key."""
        if algorithm is KeyAlgorithm.ED25519:
            return cls(ed25519.Ed25519PrivateKey.generate())
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def read(cls, path: Path, passphrase: str | None = None) -> PrivateKey:
        """Return the key in a PEM file; ConfigError if the file has none, or the passphrase is wrong."""
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                pem = file.read(_MAX_PEM_BYTES)
        except OSError as error:
            raise ConfigError(f"key {path}: cannot be read: {error.strerror or error}") from None
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError(f"key {path}: readable by others than its owner; chmod 600 {path}")
        try:
            key = serialization.load_pem_private_key(pem, passphrase.encode() if passphrase else None)
        except TypeError:
            if passphrase is None:
                raise ConfigError(f"key {path}: needs a passphrase", Remedy.OPEN_ENCRYPTED) from None
            fault = f"key {path}: has no passphrase, and one is given"
            raise ConfigError(fault, Remedy.OPEN_PLAIN) from None
        except (ValueError, UnsupportedAlgorithm):
            hint = ", or the passphrase is wrong" if passphrase else ""
            raise ConfigError(f"key {path}: is not a private key in PEM{hint}", Remedy.MAKE_KEY) from None
        if not isinstance(key, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) or not _is_p256(key):
            raise ConfigError(f"key {path}: is neither Ed25519 nor P-256", Remedy.MAKE_KEY)
        return cls(key)

    def write(self, path: Path, passphrase: str | None = None) -> None:
        """Write the key into a new file that only its owner can read, and its public key beside that.

        Args:
            path: the private key's file; the public one is `<path>.pub`, in PEM.
            passphrase: encrypts the private key; None: it is not encrypted.

        Raises:
            ConfigError: the file exists already, or cannot be written.
        """
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase:
            encryption = serialization.BestAvailableEncryption(passphrase.encode())
        pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        )
        try:
            write_whole(path, pem, publish_new, mode=0o600)
            write_whole(path.with_name(f"{path.name}.pub"), self.public("written").pem)
        except FileExistsError:
            raise ConfigError(f"key {path}: exists and is never overwritten; name another file") from None
        except OSError as error:
            raise ConfigError(f"key {path}: cannot be written: {error.strerror or error}") from None

    @property
    def algorithm(self) -> KeyAlgorithm:
        """The key's algorithm."""
        is_ed25519 = isinstance(self._key, ed25519.Ed25519PrivateKey)
        return KeyAlgorithm.ED25519 if is_ed25519 else KeyAlgorithm.P256

    def public(self, key_id: str) -> PublicKey:
        """Return the public key, with this ID."""
        return PublicKey(key_id, _der(self._key.public_key()))

    def sign(self, message: bytes) -> bytes:
        """Return the signature: 64 bytes of Ed25519 (RFC 8032), or DER of ECDSA with SHA-256."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(message)
        return self._key.sign(message, _ECDSA)


_MAX_PEM_BYTES = 64 * 2**10


def _is_p256(key: object) -> bool:
    if isinstance(key, ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey):
        return isinstance(key.curve, ec.SECP256R1)
    return True


def _der(key: ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
