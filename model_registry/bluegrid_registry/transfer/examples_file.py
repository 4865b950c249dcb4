"""`examples.json` of a folder to push, or of an exported version: recorded examples by UID.

{"line-17": {"inputs": [[1.0, 2.0]], "outputs": [0.5]},
"line-18": [{"request": {"inputs": [...]}, "response": {"outputs": [...]}}, ...]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_registry.formats.example import examples_document, parse_examples
from bluegrid_registry.transfer.file_by_uid import read_by_uid, write_by_uid

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bluegrid_registry.formats.example import AnyExample

EXAMPLES = "examples.json"
"""Name of the file."""


class ExamplesFile:
    """The recorded examples of a folder, by UID.

    Args:
        path: the file; None: there are no examples.

    Raises:
        FormatError: the file is no object of valid examples; the message names the UID and the place.
        ConfigError: the file cannot be read.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._texts = (
            {}
            if path is None
            else read_by_uid(path, "examples", parse_examples, "give its examples as one list")
        )

    @property
    def uids(self) -> frozenset[str]:
        """The UIDs that have examples."""
        return frozenset(self._texts)

    def of(self, uid: str) -> tuple[AnyExample, ...]:
        """Return the examples of a UID; none if it has none."""
        text = self._texts.get(uid)
        return () if text is None else parse_examples(text, f"{self._path}: {uid}")


def write_examples(path: Path, examples: Mapping[str, tuple[AnyExample, ...]]) -> None:
    """Write recorded examples by UID to a file that a push reads."""
    write_by_uid(path, ((uid, examples_document(examples[uid])) for uid in sorted(examples)))
