"""Reads models that somebody has put into the store as plain objects: `incoming/<path>/<uid>.<file type>`.

They are read once and pushed like uploads; nothing refers to them afterwards, and their owner deletes them.
Empty objects that only mark a folder are skipped.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from bluegrid.updates.publishing.uploads import MAX_BATCH_ENTRIES
from bluegrid_registry.errors import ConfigError, FormatError

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_registry import Store
    from bluegrid_registry.stores.base import StoredObject

PREFIX = "incoming/"
AT_ONCE = 16
"""Number of objects that are read at the same time."""


def fetch_drop(store: Store, path: str, folder: Path, max_bytes: int) -> Path:
    """Write the objects below a path of the store into a folder, and return the folder.

    Raises:
        ConfigError: there are no objects.
        FormatError: there are too many objects, they are too large, or a name is not a file name.
        StoreError: the objects cannot be read.
    """
    prefix = f"{PREFIX}{path}/"
    place = f"{store.url}: {prefix}"
    keys = (each for each in store.keys(prefix) if not _is_folder_marker(each))
    objects = [*islice(keys, MAX_BATCH_ENTRIES + 1)]
    if not objects:
        raise ConfigError(f"{place}: holds nothing; put models there as <uid>.<file type>")
    if len(objects) > MAX_BATCH_ENTRIES or sum(each.size for each in objects) > max_bytes:
        raise FormatError(f"{place}: a batch has at most {MAX_BATCH_ENTRIES} objects and {max_bytes} bytes")
    files = {each.key: folder.joinpath(*_parts(each, prefix)) for each in objects}
    folders = {parent for file in files.values() for parent in file.relative_to(folder).parents}
    for each, file in files.items():
        if file.relative_to(folder) in folders:
            raise FormatError(f"{each!r}: is both a file and a folder; delete one of them")
    for parent in {file.parent for file in files.values()}:
        parent.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for _ in threads.map(lambda key: files[key].write_bytes(store.get(key)), files):
            pass
    return folder


def _is_folder_marker(found: StoredObject) -> bool:
    """Whether an object only marks a folder, as written by consoles and Hadoop."""
    return not found.size and found.key.endswith(("/", "_$folder$"))


def _parts(found: StoredObject, prefix: str) -> tuple[str, ...]:
    """Return the parts of an object's path; FormatError if it leads out of the folder."""
    name = found.key.removeprefix(prefix)
    path = PurePosixPath(name)
    if str(path) != name or path.is_absolute() or ".." in path.parts or "\0" in name:
        raise FormatError(f"{found.key!r}: is not the name of a file; delete the object")
    return path.parts
