"""`lineage.json` of a folder to push, or of an exported version: the lineage of models by UID.

{"line-17": {"author": "ada", "run": "4f7c1d", "commit": "9f2c0aa", "metrics": {"mae": 0.031}},
"line-18": {"metrics": {"mae": 0.044}, "tags": {"season": "winter"}}}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_registry.formats.lineage import Lineage
from bluegrid_registry.transfer.file_by_uid import read_by_uid, write_by_uid

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LINEAGE = "lineage.json"
"""Name of the file."""


class LineageFile:
    """The lineage of a folder's models, by UID.

    Args:
        path: the file; None: there is none.

    Raises:
        FormatError: the file is no object of valid lineages; the message names the UID and the place.
        ConfigError: the file cannot be read.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._texts = (
            {} if path is None else read_by_uid(path, "lineages", Lineage.from_json, "keep one of them")
        )

    @property
    def uids(self) -> frozenset[str]:
        """The UIDs that have a lineage."""
        return frozenset(self._texts)

    def of(self, uid: str) -> Lineage | None:
        """Return the lineage of a UID; None if it has none."""
        text = self._texts.get(uid)
        return None if text is None else Lineage.from_json(text, f"{self._path}: {uid}")


def write_lineage(path: Path, lineage: Mapping[str, Lineage]) -> None:
    """Write lineages by UID to a file that a push reads."""
    write_by_uid(path, ((uid, lineage[uid].to_json()) for uid in sorted(lineage)))
