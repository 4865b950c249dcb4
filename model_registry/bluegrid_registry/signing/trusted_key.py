"""A public key that a set trusts, in a registry file and in the settings of a pod."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import model_validator

from bluegrid_registry.errors import ConfigError
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import Label, Text  # noqa: TC001 - pydantic reads them at run time

if TYPE_CHECKING:
    from bluegrid_registry.signing.keys import PublicKey


class TrustedKey(Frozen):
    """A public key whose signatures are trusted."""

    id: Label
    """Name of the key, such as ops-2026."""
    public: Text
    """The key: base64 of its DER SubjectPublicKeyInfo, Ed25519 or P-256."""

    @model_validator(mode="after")
    def _is_a_key(self) -> TrustedKey:
        try:
            self.to_public_key()
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return self

    def to_public_key(self) -> PublicKey:
        """Return the key to verify with."""
        # Imported here, because most sets have no key, and loading cryptography takes as long as pydantic.
        from bluegrid_registry.signing.keys import PublicKey

        return PublicKey.from_text(self.id, self.public)
