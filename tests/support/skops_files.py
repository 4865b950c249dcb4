"""The smallest skops files that a push accepts, for tests that never load a model."""

from __future__ import annotations

import io
import json
from zipfile import ZipFile, ZipInfo

SCHEMA = json.dumps(
    {"__class__": "Ridge", "__module__": "sklearn.linear_model._ridge", "__loader__": "ObjectNode"}
)


def skops_file(text: str, features: int | None = None, *, has_classes: bool = False) -> bytes:
    """Return a skops file that holds `text`; the same arguments give the same bytes.

    Args:
        text: anything.
        features: number of features that its estimator was fitted to; None: not fitted.
        has_classes: whether it is a classifier.
    """
    buffer = io.BytesIO()
    schema = json.loads(SCHEMA)
    if features is not None:
        kept = {"n_features_in_": {"__loader__": "JsonNode", "content": str(features)}}
        schema["content"] = {"content": kept | ({"classes_": {}} if has_classes else {})}
    with ZipFile(buffer, "w") as writer:
        # A ZipInfo has a fixed date.
        writer.writestr(ZipInfo("schema.json"), json.dumps(schema))
        writer.writestr(ZipInfo("text"), text)
    return buffer.getvalue()
