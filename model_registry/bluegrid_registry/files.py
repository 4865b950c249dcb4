"""Atomic writes of files, and a lock for folders."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import secrets
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


_IS_NOT_SUPPORTED = (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
"""Errors of file systems that do not support an operation; EPERM: FAT, for a hard link."""

_PARTIAL = ".partial"

_AT_FDCWD, _RENAME_NOREPLACE = -100, 1


class NoExclusiveCreateError(OSError):
    """The file system cannot rename a file on condition that the new name is free."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; wait for it first. The folder itself is locked: no lock file is left behind."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make the folder and its parents; sync each to disk before the next."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def publish_new(temporary: Path, path: Path) -> None:
    """Rename the finished file to `path` unless the name is taken: only one of several writers succeeds.

    Raises:
        FileExistsError: the name is taken.
        NoExclusiveCreateError: the file system has neither hard links nor RENAME_NOREPLACE.
    """
    try:
        os.link(temporary, path)
    except OSError as error:
        if error.errno not in _IS_NOT_SUPPORTED:
            raise
        # Network shares and mounted object stores often have no hard links.
        _rename_new(temporary, path)


def _rename_new(temporary: Path, path: Path) -> None:
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    ctypes.set_errno(errno.ENOSYS)
    names = os.fsencode(temporary), os.fsencode(path)
    if rename is not None and rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_NOREPLACE) == 0:
        return
    number = ctypes.get_errno()
    kind = NoExclusiveCreateError if number in _IS_NOT_SUPPORTED else OSError
    raise kind(number, os.strerror(number), str(path))


@contextmanager
def partial(path: Path) -> Iterator[Path]:
    """Yield the path of a temporary file beside `path`; remove that file at the end if it is still there."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_PARTIAL}")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(
    path: Path,
    data: bytes,
    publish: Callable[[Path, Path], object] = Path.replace,
    *,
    mode: int | None = None,
) -> None:
    """Write the file so that a crash at any time leaves either the old or the new content.

    Args:
        path: the file, in a folder that exists.
        data: the new content.
        publish: moves the finished temporary file to `path`.
        mode: permissions of the file, less the process's umask; None: those of the replaced file, or 0o666
            less the umask.
    """
    with partial(path) as temporary:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o666 if mode is None else mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        if mode is None and path.exists():
            shutil.copymode(path, temporary)
        publish(temporary, path)
        _sync_folder(path.parent)


def is_partial(path: Path) -> bool:
    """Whether the name is of `partial`: the file is being written, or its writer was killed."""
    return path.name.startswith(".") and path.suffix == _PARTIAL


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems sync files only.
        if error.errno not in _IS_NOT_SUPPORTED:
            raise
    finally:
        os.close(descriptor)
