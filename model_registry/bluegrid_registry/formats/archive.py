"""The archive of a model that is a folder: a sorted ustar archive without times or owners.

The same files give the same bytes wherever and whenever they were written. The reader does not trust the
archive: it creates only plain files and folders, below the target folder.
"""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from bluegrid_registry.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def archive(folder: Path, is_ignored: Callable[[str], bool] | None = None) -> bytes:
    """Return the archive of `folder`; FormatError if the folder holds no file, or a link or device.

    Args:
        folder: the model's folder.
        is_ignored: tells whether to leave out a path below the folder; paths of folders end in a slash.
    """
    buffer = io.BytesIO()
    by_name = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    if is_ignored is not None:
        by_name = {
            name: path
            for name, path in by_name.items()
            if not (is_ignored(name) or (path.is_dir() and is_ignored(f"{name}/")))
        }
    if not any(path.is_file() for path in by_name.values()):
        raise FormatError(f"{folder}: holds no file; a model's folder holds at least one")
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as writer:
        for name in sorted(by_name):
            try:
                _add(writer, name, by_name[name])
            except ValueError as error:
                raise FormatError(f"{by_name[name]}: {error}; give it a shorter name") from None
    return buffer.getvalue()


def extract(data: bytes, folder: Path) -> None:
    """Extract an untrusted archive into `folder`, which must not exist; FormatError if it is not sound."""
    folder.mkdir()
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as reader:
            for info in reader:
                extract_member(reader, info, folder)
    except tarfile.TarError as error:
        raise FormatError(f"not the archive of a folder: {error}") from None


def extract_member(reader: tarfile.TarFile, info: tarfile.TarInfo, folder: Path) -> None:
    """Extract a file or folder below `folder`; FormatError if the member is a link, a device or outside."""
    # Not TarFile.extract(): it has no filters in the Python of Debian 12, a possible base of images.
    place = PurePosixPath(info.name)
    if place.is_absolute() or ".." in place.parts:
        raise FormatError(f"{info.name!a} is not a path within a folder")
    try:
        if info.isdir():
            (folder / place).mkdir(parents=True, exist_ok=True)
        elif info.isreg() and (content := reader.extractfile(info)):
            (folder / place.parent).mkdir(parents=True, exist_ok=True)
            with (folder / place).open("xb") as file:
                shutil.copyfileobj(content, file)
        else:
            raise FormatError(f"{info.name!a} is a link or a device; a model holds files and folders")
    except (FileExistsError, NotADirectoryError):
        raise FormatError(f"{info.name!a} comes twice") from None


def _add(writer: tarfile.TarFile, name: str, path: Path) -> None:
    # A fresh TarInfo has time 0 and no owner.
    info = tarfile.TarInfo(name)
    if path.is_symlink() or not (path.is_dir() or path.is_file()):
        raise FormatError(f"{path}: is a link or a device; a model holds files and folders")
    if path.is_dir():
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        writer.addfile(info)
        return
    with path.open("rb") as file:
        info.size, info.mode = path.stat().st_size, 0o644
        writer.addfile(info, file)
