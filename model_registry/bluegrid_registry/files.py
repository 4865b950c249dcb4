"""Files that appear whole or not at all, and folders that one writer changes at a time."""

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
"""How file systems refuse an operation that they do not have; EPERM: FAT, for a hard link."""

_PARTIAL = ".partial"

_AT_FDCWD, _RENAME_NOREPLACE = -100, 1


class NoExclusiveCreateError(OSError):
    """The file system cannot give a finished file a name on condition that the name is free."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Wait for the folder's lock and hold it. The folder itself is the lock: no file is left behind."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make the folder and its parents, each on the disk before the next."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def publish_new(temporary: Path, path: Path) -> None:
    """Give the finished file its name unless the name is taken: of many writers, one succeeds.

    Raises:
        FileExistsError: the name is taken.
        NoExclusiveCreateError: the file system has neither hard links nor RENAME_NOREPLACE.
    """
    try:
        os.link(temporary, path)
    except OSError as error:
        if error.errno not in _IS_NOT_SUPPORTED:
            raise
        # Network shares and object stores that are mounted often have no hard links.
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
    """Yield the name of a temporary file beside `path`, to be moved there; remove what is left of it."""
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
    """Write the file so that a crash at any time leaves the old one or the new one.

    Args:
        path: the file, in a folder that exists.
        data: what the file is to hold.
        publish: moves the finished temporary file to `path`.
        mode: rights of the file, less the process's umask; None: those of the file that is replaced, or what
            the umask leaves of 0o666.
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
    """Whether `partial` has made the name: the file is being written, or its writer was killed."""
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
