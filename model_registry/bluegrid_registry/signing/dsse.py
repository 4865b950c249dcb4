"""DSSE v1: an envelope that carries a payload and one signature over it.

Source: github.com/secure-systems-lab/dsse, protocol.md and envelope.md, version 1.0. The signature is not
over JSON but over the pre-authentication encoding (PAE) of type and payload, so the layout of the JSON does
not matter.

`keyid` is a hint only; verification does not depend on it.
"""

from __future__ import annotations

import json
from typing import Annotated, Final, Literal

from pydantic import Base64Bytes, Field, ValidationError

from bluegrid_registry.errors import IntegrityError
from bluegrid_registry.frozen import Frozen

STATEMENT_TYPE: Final = "application/vnd.in-toto+json"
"""The payload type of an in-toto statement."""

MAX_ENVELOPE_BYTES = 16 * 2**10
"""Largest envelope that is read. Ours have about 1 KB, whatever the number of models."""


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes to sign (protocol.md, "Signature Definition")."""
    type_bytes = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(type_bytes), type_bytes, len(payload), payload)


class Signature(Frozen):
    """One signature."""

    keyid: str
    sig: Base64Bytes


class Envelope(Frozen):
    """A payload with exactly one signature; each key's signature is an object of its own."""

    payload: Base64Bytes
    payloadType: Literal["application/vnd.in-toto+json"] = STATEMENT_TYPE  # noqa: N815 - DSSE's spelling
    signatures: Annotated[tuple[Signature, ...], Field(min_length=1, max_length=1)]

    @classmethod
    def of(cls, payload: bytes, signature: bytes, keyid: str) -> Envelope:
        """Return the envelope of a statement and its signature."""
        # Validation would read these bytes as base64.
        only = Signature.model_construct(keyid=keyid, sig=signature)
        return cls.model_construct(payload=payload, signatures=(only,))

    def to_bytes(self) -> bytes:
        """Return the bytes to store."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> Envelope:
        """Return the envelope that untrusted `data` holds, or raise IntegrityError.

        The bytes must be exactly those of `to_bytes`: this also finds changes that the signature does not
        cover.
        """
        if len(data) > MAX_ENVELOPE_BYTES:
            raise IntegrityError(f"is larger than {MAX_ENVELOPE_BYTES} bytes")
        try:
            envelope = cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "whole"
            # An unknown name comes from the untrusted data, and may hold any characters.
            raise IntegrityError(f"is not a DSSE envelope: {place[:60]!a}: {first['msg']}") from None
        if envelope.to_bytes() != data:
            raise IntegrityError("is not written exactly as bluegrid writes signatures")
        return envelope
