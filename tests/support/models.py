"""Models in the form that the stages of a push exchange."""

from __future__ import annotations

from bluegrid_registry.formats.checksums import sha256_hex
from bluegrid_registry.transfer.sources import LoadedModel


def as_read(uid: str, data: bytes) -> LoadedModel:
    """Return a model without an example, as the first stage of a push returns it."""
    return LoadedModel(uid, None, f"model {uid}", data, sha256_hex(data))
