"""Reads a folder to push: models and their recorded examples; no other file is left out silently.

    <folder>/
    ├── <uid>.<file type>    a model: a file, or a folder, depending on the type
    └── examples.json        recorded examples by UID

Any other file, at any depth, hidden or not, may be a model with a wrong name. The push is refused with the
file's name unless a pattern ignores the file.
"""

from __future__ import annotations

import os
import unicodedata
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from bluegrid_registry.errors import ConfigError, FormatError
from bluegrid_registry.formats.example import Example
from bluegrid_registry.frozen import first_mistake
from bluegrid_registry.ignore_patterns import ignore_matcher
from bluegrid_registry.names import check_uid
from bluegrid_registry.remedies import Remedy
from bluegrid_registry.transfer.sources import LazyModels, SourceModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from bluegrid_registry.model_types.model_type import ModelType

EXAMPLES = "examples.json"

MOST_NAMED = 10
"""Number of files that a refusal names; further files are only counted."""

_EXAMPLES = TypeAdapter(dict[str, Example])


def models_in_folder(
    folder: Path, model_type: ModelType, ignore: Iterable[str] = ()
) -> Sequence[SourceModel]:
    """Return the models in `folder`, sorted by UID.

    Args:
        folder: holds a file (or a folder, depending on the type) `<uid>.<file type>` for each model. An
            optional `examples.json` holds recorded examples by UID: `{"line-17": {"inputs": [[1.0, 2.0]],
            "outputs": [0.5], "rtol": 1e-6, "atol": 1e-9}}`.
        model_type: the type of the set.
        ignore: patterns as in a `.gitignore` file, of files and folders that are treated as absent.

    Raises:
        ConfigError: the folder does not exist or holds no model, or a pattern is invalid.
        FormatError: a file is neither a model nor ignored, a file's name is not a UID, or the examples are
            invalid.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder; name the folder of the models")
    is_ignored = ignore_matcher(ignore)
    suffix = f".{model_type.file_type}"
    sizes: dict[str, int | None] = {}
    # Holds only names that differ from their UIDs: there may be a hundred thousand files.
    names: dict[str, str] = {}
    strays: list[str] = []
    examples: dict[str, Example] = {}
    for entry in _entries(folder, "", is_ignored):
        if entry.name == EXAMPLES:
            examples = _examples(folder / EXAMPLES)
        elif entry.name.endswith(suffix):
            uid = _uid(folder, entry.name, suffix)
            if uid in sizes:
                raise FormatError(f"{folder}: two files for UID {uid}, composed and decomposed; keep one")
            if entry.name != uid + suffix:
                names[uid] = entry.name
            # Sizes are read now: beside the threads that read models, it would take ten times as long.
            sizes[uid] = None if model_type.is_folder else _size_of(entry)
        else:
            strays += _files(entry, entry.name, is_ignored)
    expected = f"a model of this set is a {'folder' if model_type.is_folder else 'file'} <uid>{suffix}"
    if strays:
        fault = f"{folder}: not taken: {_listed(strays)}; {expected} directly in {folder}"
        raise FormatError(fault, Remedy.IGNORE_FILES)
    if not sizes:
        raise ConfigError(f"{folder}: no model in it; {expected}")
    if unknown := examples.keys() - sizes.keys():
        raise FormatError(f"{folder / EXAMPLES}: {min(unknown)} has an example and no model")

    def model(uid: str) -> SourceModel:
        name = names.get(uid, uid + suffix)
        is_left_out = (lambda path: is_ignored(f"{name}/{path}")) if model_type.is_folder else None
        return SourceModel(uid, folder / name, examples.get(uid), sizes[uid], is_left_out)

    return LazyModels(sorted(sizes), model)


def _entries(
    folder: Path | str, prefix: str, is_ignored: Callable[[str], bool]
) -> Iterator[os.DirEntry[str]]:
    """Yield the entries of a folder that are not ignored; `prefix` is its path below the pushed folder."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                path = prefix + entry.name
                if not (is_ignored(path) or (is_ignored(f"{path}/") and entry.is_dir())):
                    yield entry
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be read: {error.strerror or error}") from None


def _files(entry: os.DirEntry[str], path: str, is_ignored: Callable[[str], bool]) -> Iterator[str]:
    """Yield the paths of the files below an entry, or the path of the entry if it is a file."""
    if not entry.is_dir(follow_symlinks=False):
        yield path
        return
    for child in _entries(entry.path, f"{path}/", is_ignored):
        yield from _files(child, f"{path}/{child.name}", is_ignored)


def _uid(folder: Path, name: str, suffix: str) -> str:
    # Some file systems decompose Unicode names; a UID has only the composed form.
    uid = unicodedata.normalize("NFC", name.removesuffix(suffix))
    try:
        return check_uid(uid)
    except ValueError as error:
        raise FormatError(f"{folder}: {name!a}: {error}; rename the file") from None


def _listed(paths: list[str]) -> str:
    named = sorted(path if path.isprintable() else ascii(path) for path in paths)
    more = len(named) - MOST_NAMED
    return ", ".join(named[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _examples(path: Path) -> dict[str, Example]:
    try:
        return _EXAMPLES.validate_json(path.read_bytes())
    except ValidationError as error:
        raise FormatError(f"{path}: {first_mistake(error)}") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from None


def _size_of(entry: os.DirEntry[str]) -> int | None:
    try:
        return entry.stat().st_size
    except OSError:
        # The error is reported when the file is read.
        return None
