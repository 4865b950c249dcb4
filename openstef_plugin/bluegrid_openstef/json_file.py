"""The type `openstef/json`: a fitted pipeline as data, evaluated without OpenSTEF and without a pickle."""

from __future__ import annotations

from typing import Final

from bluegrid_registry import ModelType

FORMAT: Final = "bluegrid-openstef/1"
"""The format of the file; a change that older readers do not understand has another number."""

_BEGINNING = f'{{"format":"{FORMAT}"'.encode()


def _fault(data: bytes) -> str | None:
    if not data.startswith(_BEGINNING):
        return f"does not begin with {_BEGINNING.decode()}"
    return None if data.endswith(b"}") else "is cut off"


TYPE = ModelType("openstef", "json", "a pipeline of OpenSTEF as data", _fault)
"""The row of the table of model types."""
