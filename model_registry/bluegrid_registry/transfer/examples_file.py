"""`examples.json` of a folder to push, or of an exported version: recorded examples by UID.

    {"line-17": {"inputs": [[1.0, 2.0]], "outputs": [0.5]},
     "line-18": [{"request": {"inputs": [...]}, "response": {"outputs": [...]}}, ...]}

Only the text of each UID's examples is kept, and parsed again when the model is read: as Python's objects,
the examples of a hundred thousand models would take several times the memory.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING

from bluegrid_registry.errors import ConfigError, FormatError
from bluegrid_registry.formats.example import examples_document, parse_examples

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bluegrid_registry.formats.example import AnyExample

EXAMPLES = "examples.json"
"""Name of the file."""

_SPACE = re.compile(r"[ \t\n\r]*")


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
        self._texts = {} if path is None else _read(path)

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
    with path.open("wb") as file:
        for number, (uid, found) in enumerate(sorted(examples.items())):
            key = json.dumps(uid, ensure_ascii=False).encode()
            file.write((b",\n " if number else b"{") + key + b": " + examples_document(found))
        file.write(b"}\n")


def _read(path: Path) -> dict[str, str]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: is not UTF-8: {error.reason} at byte {error.start}") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from None
    texts: dict[str, str] = {}
    try:
        for name, value in _members(text):
            # As the names of files: some programs decompose Unicode.
            uid = unicodedata.normalize("NFC", name)
            parse_examples(value, uid)
            if texts.setdefault(uid, value) is not value:
                raise FormatError(f"{path}: {uid} is there twice; give its examples as one list")
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: {error}") from None
    return texts


def _members(text: str) -> Iterator[tuple[str, str]]:
    """Yield the keys of a JSON object with the text of each value; ValueError if it is none."""
    decoder = json.JSONDecoder()

    def after_space(position: int) -> int:
        found = _SPACE.match(text, position)
        return found.end() if found else position

    position = after_space(0)
    if text[position : position + 1] != "{":
        raise ValueError("whole: expected an object of examples by UID")
    position = after_space(position + 1)
    is_open = text[position : position + 1] != "}"
    while is_open:
        name, position = decoder.raw_decode(text, position)
        position = after_space(position)
        if not isinstance(name, str) or text[position : position + 1] != ":":
            raise json.JSONDecodeError("expected a UID and ':'", text, position)
        start = after_space(position + 1)
        _, end = decoder.raw_decode(text, start)
        yield name, text[start:end]
        position = after_space(end)
        is_open = text[position : position + 1] == ","
        if is_open:
            position = after_space(position + 1)
    if text[position : position + 1] != "}" or after_space(position + 1) != len(text):
        raise json.JSONDecodeError("expected ',' or the end of the object", text, position)
