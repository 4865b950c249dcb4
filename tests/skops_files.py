"""The smallest skops files: what pushes take, for tests that never load a model."""

from __future__ import annotations

import io
import json
from zipfile import ZipFile, ZipInfo

SCHEMA = json.dumps(
    {"__class__": "Ridge", "__module__": "sklearn.linear_model._ridge", "__loader__": "ObjectNode"}
)


def skops_file(text: str) -> bytes:
    """Return a skops file that holds `text`; the same text gives the same bytes."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as writer:
        # A ZipInfo has a fixed date.
        writer.writestr(ZipInfo("schema.json"), SCHEMA)
        writer.writestr(ZipInfo("text"), text)
    return buffer.getvalue()
