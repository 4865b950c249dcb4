"""The commit: a version exists from the moment its commit is in the store.

A commit is small, written once and read by key. It holds the SHA-256 of its other fields, which distinguishes
damage at rest from a version of another writer.
"""

from __future__ import annotations

import getpass
import json
import secrets
from datetime import UTC, datetime
from typing import Literal

from pydantic import AwareDatetime  # noqa: TC002 - pydantic reads it at run time

from bluegrid_registry.errors import IntegrityError
from bluegrid_registry.formats.checksums import sha256_hex
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import Digest, Label  # noqa: TC001 - pydantic reads them at run time


class Commit(Frozen):
    """The manifest of a version, the author and the time of its publication."""

    format: Literal["bluegrid-commit/1"] = "bluegrid-commit/1"
    set: Label
    version: Label
    manifest: Digest
    txid: str
    """Random ID of one publish: a writer recognises its own earlier success by it."""
    time: AwareDatetime
    author: str

    @classmethod
    def new(cls, set_id: str, version_id: str, manifest: str) -> Commit:
        """Return a commit with the current time, this user and a new txid."""
        now = datetime.now(UTC).replace(microsecond=0)
        return cls(
            set=set_id,
            version=version_id,
            manifest=manifest,
            txid=secrets.token_hex(16),
            time=now,
            author=_author(),
        )

    def to_bytes(self) -> bytes:
        """Return the bytes to store."""
        document = self.model_dump(mode="json")
        return _json({**document, "sha256": sha256_hex(_json(document))})

    @classmethod
    def from_bytes(cls, data: bytes) -> Commit:
        """Return the commit that `data` holds; IntegrityError if any byte has changed."""
        try:
            document = json.loads(data)
            document.pop("sha256")
            commit = cls.model_validate(document)
        except (ValueError, LookupError, AttributeError, TypeError, RecursionError):
            raise IntegrityError("its commit is damaged") from None
        if commit.to_bytes() != data:
            raise IntegrityError("its commit is damaged")
        return commit


def _json(document: dict[str, object]) -> bytes:
    return json.dumps(document, sort_keys=True, indent=1).encode() + b"\n"


def _author() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run as a user without an entry in passwd.
        return "unknown"
