"""A JSON file of a folder to push that has something for some UIDs: `examples.json`, `lineage.json`.

Only the text of each UID's value is kept, and parsed again when the model is read: as Python's objects, the
examples of a hundred thousand models would take several times the memory.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING

from bluegrid_registry.errors import ConfigError, FormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_SPACE = re.compile(r"[ \t\n\r]*")


def read_by_uid(path: Path, what: str, check: Callable[[str, str], object], twice: str) -> dict[str, str]:
    """Return the text of each UID's value in a JSON object.

    Args:
        path: the file.
        what: its values, such as "examples", for messages.
        check: parses the text of a value, whose place is the second argument; ValueError if it is not valid.
        twice: what to do about a UID that is there twice.

    Raises:
        FormatError: the file is no object of valid values; the message names the UID and the place.
        ConfigError: the file cannot be read.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: is not UTF-8: {error.reason} at byte {error.start}") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from None
    texts: dict[str, str] = {}
    try:
        for name, value in _members(text, what):
            # As the names of files: some programs decompose Unicode.
            uid = unicodedata.normalize("NFC", name)
            check(value, uid)
            if texts.setdefault(uid, value) is not value:
                raise FormatError(f"{path}: {uid} is there twice; {twice}")
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: {error}") from None
    return texts


def write_by_uid(path: Path, documents: Iterable[tuple[str, bytes]]) -> None:
    """Write a JSON object of values by UID, in this order.

    Args:
        path: the file.
        documents: each UID with its value as JSON; they are written one by one, since examples may be large.
    """
    with path.open("wb") as file:
        file.write(b"{")
        for number, (uid, document) in enumerate(documents):
            key = json.dumps(uid, ensure_ascii=False).encode()
            file.write((b",\n " if number else b"") + key + b": " + document)
        file.write(b"}\n")


def _members(text: str, what: str) -> Iterator[tuple[str, str]]:
    """Yield the keys of a JSON object with the text of each value; ValueError if it is none."""
    decoder = json.JSONDecoder()

    def after_space(position: int) -> int:
        found = _SPACE.match(text, position)
        return found.end() if found else position

    position = after_space(0)
    if text[position : position + 1] != "{":
        raise ValueError(f"whole: expected an object of {what} by UID")
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
