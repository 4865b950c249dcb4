"""Reads a folder to push: models and their recorded examples; no other file is left out silently.

    <folder>/
    ├── <uid>.<file type>    a model: a file, or a folder, depending on the type
    ├── feeder/
    │   └── 7.<file type>    the model of UID feeder/7: folders are part of the UID
    ├── examples.json        recorded examples by UID
    └── lineage.json         who trained each model, and how good it is, by UID

Any other file, at any depth, may be a model with a wrong name. The push is refused with the file's name
unless a pattern ignores the file. So is every file in a hidden folder: it may be a stale copy of a model,
such as in `.ipynb_checkpoints/`.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bluegrid_registry.errors import ConfigError, FormatError
from bluegrid_registry.ignore_patterns import ignore_matcher
from bluegrid_registry.names import check_uid
from bluegrid_registry.remedies import Remedy
from bluegrid_registry.transfer.examples_file import EXAMPLES, ExamplesFile
from bluegrid_registry.transfer.lineage_file import LINEAGE, LineageFile
from bluegrid_registry.transfer.sources import LazyModels, SourceModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from bluegrid_registry.model_types.model_type import ModelType

MOST_NAMED = 10
"""Number of files that a refusal names; further files are only counted."""


def models_in_folder(
    folder: Path, model_type: ModelType, ignore: Iterable[str] = (), *, may_be_empty: bool = False
) -> Sequence[SourceModel]:
    """Return the models in `folder`, sorted by UID.

    Args:
        folder: holds a file (or a folder, depending on the type) `<uid>.<file type>` for each model. A UID
            with slashes is a path of folders. An optional `examples.json` holds recorded examples by UID, one
            or a list: `{"line-17": {"inputs": [[1.0, 2.0]], "outputs": [0.5], "rtol": 1e-6, "atol": 1e-9}}`,
            or requests with responses. An optional `lineage.json` holds the lineage of models by UID.
        model_type: the type of the set.
        ignore: patterns as in a `.gitignore` file, of files and folders that are treated as absent.
        may_be_empty: whether a folder without models has none, instead of being refused.

    Raises:
        ConfigError: the folder does not exist or holds no model, or a pattern is invalid.
        FormatError: a file is neither a model nor ignored, a file's name is not a UID, or the examples or
            lineages are invalid.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder; name the folder of the models")
    is_ignored = ignore_matcher(ignore)
    suffix = f".{model_type.file_type}"
    contents = _Contents(folder, model_type, is_ignored)
    contents.read()
    expected = f"a model of this set is a {'folder' if model_type.is_folder else 'file'} <uid>{suffix}"
    if contents.strays:
        where = f"in {folder} or in a folder below it that is neither hidden nor a link"
        fault = f"{folder}: not taken: {_listed(contents.strays)}; {expected} {where}"
        raise FormatError(fault, Remedy.IGNORE_FILES)
    if not contents.sizes and not may_be_empty:
        raise ConfigError(f"{folder}: no model in it; {expected}")
    for name, uids, what in (
        (EXAMPLES, contents.examples.uids, "an example"),
        (LINEAGE, contents.lineage.uids, "a lineage"),
    ):
        if unknown := uids - contents.sizes.keys():
            fault = f"{min(unknown)} has {what} and no model"
            raise FormatError(f"{folder / name}: {fault}; correct the UID, or add the model")

    def model(uid: str) -> SourceModel:
        path = contents.paths.get(uid, uid + suffix)
        is_left_out = (lambda below: is_ignored(f"{path}/{below}")) if model_type.is_folder else None
        return SourceModel(
            uid,
            folder / path,
            contents.examples.of(uid),
            contents.sizes[uid],
            is_left_out,
            contents.lineage.of(uid),
        )

    sizes = [size for size in contents.sizes.values() if size is not None]
    return LazyModels(
        sorted(contents.sizes), model, sum(sizes) if len(sizes) == len(contents.sizes) else None
    )


@dataclass
class _Contents:
    """The contents of a folder to push; paths are relative to it, with `/` on every system."""

    folder: Path
    model_type: ModelType
    is_ignored: Callable[[str], bool]
    sizes: dict[str, int | None] = field(default_factory=dict)
    """Size of each model by UID, in bytes; None: a folder, or not known."""
    paths: dict[str, str] = field(default_factory=dict)
    """Only paths that differ from their UIDs: there may be a hundred thousand files."""
    strays: list[str] = field(default_factory=list)
    examples: ExamplesFile = field(default_factory=ExamplesFile)
    lineage: LineageFile = field(default_factory=LineageFile)

    def read(self) -> None:
        """Read the folder, and the folders in it."""
        suffix, is_folder_type = f".{self.model_type.file_type}", self.model_type.is_folder
        pending = [(os.fspath(self.folder), "", False)]
        while pending:
            place, prefix, is_hidden = pending.pop()
            for entry in _entries(place, prefix, self.is_ignored):
                name = entry.name
                path = prefix + name
                # Links to folders are not followed: they may form a loop, or name a model twice.
                is_folder = entry.is_dir(follow_symlinks=False)
                if not is_hidden and path == EXAMPLES and not is_folder:
                    self.examples = ExamplesFile(self.folder / EXAMPLES)
                elif not is_hidden and path == LINEAGE and not is_folder:
                    self.lineage = LineageFile(self.folder / LINEAGE)
                elif not is_hidden and name.endswith(suffix) and (is_folder_type or not is_folder):
                    self._add_model(entry, path, suffix)
                elif is_folder:
                    pending.append((entry.path, f"{path}/", is_hidden or name.startswith(".")))
                else:
                    self.strays.append(path)

    def _add_model(self, entry: os.DirEntry[str], path: str, suffix: str) -> None:
        # Sizes are read now: beside the threads that read models, it would take ten times as long.
        status = _status(entry)
        is_expected = stat.S_ISDIR if self.model_type.is_folder else stat.S_ISREG
        if status is not None and not is_expected(status.st_mode):
            self.strays.append(path)
            return
        uid = _uid(self.folder, path, suffix)
        if uid in self.sizes:
            raise FormatError(f"{self.folder}: two files for UID {uid}, composed and decomposed; keep one")
        if path != uid + suffix:
            self.paths[uid] = path
        self.sizes[uid] = None if status is None or self.model_type.is_folder else status.st_size


def _entries(folder: str, prefix: str, is_ignored: Callable[[str], bool]) -> Iterator[os.DirEntry[str]]:
    """Yield the entries of a folder that are not ignored; `prefix` is its path below the pushed folder."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                path = prefix + entry.name
                if not (is_ignored(path) or (is_ignored(f"{path}/") and entry.is_dir())):
                    yield entry
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be read: {error.strerror or error}") from None


def _uid(folder: Path, path: str, suffix: str) -> str:
    # Some file systems decompose Unicode names; a UID has only the composed form.
    uid = unicodedata.normalize("NFC", path.removesuffix(suffix))
    if uid.endswith("/"):
        raise FormatError(f"{folder}: {path!a}: there is no name before {suffix}; rename the file")
    try:
        return check_uid(uid)
    except ValueError as error:
        raise FormatError(f"{folder}: {path!a}: {error}; rename the file") from None


def _listed(paths: list[str]) -> str:
    named = sorted(path if path.isprintable() else ascii(path) for path in paths)
    more = len(named) - MOST_NAMED
    return ", ".join(named[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat()
    except OSError:
        # The error is reported when the file is read.
        return None
