"""A store in a folder: for a laptop, a network share, or a gateway without S3."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bluegrid_registry.errors import IntegrityError, ObjectExists, ObjectMissing, StoreError, StoreUnreachable
from bluegrid_registry.files import NoExclusiveCreateError, is_partial, make_folder, publish_new, write_whole
from bluegrid_registry.formats.checksums import Checksum
from bluegrid_registry.stores.base import ALL, Capabilities, StoredObject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_NOT_ATOMIC = "not atomic, as the file system has neither hard links nor RENAME_NOREPLACE"


class _NotAtomicError(StoreError):
    pass


class FileStore:
    """A store in the folder `root`, which must exist: this detects a share that is not mounted."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.url = f"file://{root}"

    def get(self, key: str) -> bytes:
        """Return the object."""
        with self._translate_errors(key):
            return self._path(key).read_bytes()

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """Return a part of the object."""
        with self._translate_errors(key), self._path(key).open("rb") as file:
            file.seek(offset)
            return file.read(length)

    def put(self, key: str, data: bytes, checksum: Checksum, *, replace: bool = True) -> None:
        """Write the object, and read it back before the rename to its final name."""
        self._write(key, data, checksum, os.replace if replace else publish_new)

    def put_once(self, key: str, data: bytes, checksum: Checksum | None = None) -> None:
        """Write the object if there is none."""
        self._write(key, data, checksum or Checksum.of(data), publish_new)

    def copy(self, source: str, target: str) -> None:
        """Give the object a second name, replacing what has it; copy if the file system has no links."""
        with self._translate_errors(source):
            path, original = self._path(target), self._path(source)
            make_folder(path.parent)
            try:
                path.hardlink_to(original)
            except FileExistsError:
                if not path.samefile(original):
                    write_whole(path, original.read_bytes())
            except FileNotFoundError:
                raise
            except OSError:
                write_whole(path, original.read_bytes())

    def probe(self) -> Capabilities:
        """Detect whether the folder accepts a file and refuses a second file with the same name."""
        key = f".probe.{secrets.token_hex(8)}.partial"
        try:
            self._write(key, b"probe", Checksum.of(b"probe"), publish_new)
            with suppress(ObjectExists):
                self._write(key, b"probe", Checksum.of(b"probe"), publish_new)
                return replace(ALL, conditional_writes=False, fault=_NOT_ATOMIC)
        except _NotAtomicError:
            return replace(ALL, conditional_writes=False, fault=_NOT_ATOMIC)
        finally:
            with suppress(StoreError):
                self.delete(key)
        return ALL

    def keys(self, prefix: str) -> Iterator[StoredObject]:
        """List the objects whose keys begin with `prefix`."""
        # Files whose names begin with a dot are being written, or their writer was killed.
        return self._list(prefix, lambda path: not path.name.startswith("."))

    def leftovers(self, prefix: str) -> Iterator[StoredObject]:
        """List the partial files of killed writers below `prefix`."""
        return self._list(prefix, is_partial)

    def _list(self, prefix: str, is_listed: Callable[[Path], bool]) -> Iterator[StoredObject]:
        # Only the folder that the prefix names is walked.
        folder = self._path(prefix.rpartition("/")[0])
        with self._translate_errors(prefix):
            self._require_root()
            now = self._now()
            for path in sorted(folder.rglob("*")):
                key = path.relative_to(self._root).as_posix()
                if key.startswith(prefix) and path.is_file() and is_listed(path):
                    try:
                        status = path.stat()
                    except FileNotFoundError:
                        # The file was deleted meanwhile.
                        continue
                    yield StoredObject(key, status.st_size, _time(status), now)

    def _now(self) -> datetime | None:
        """Return the time by the file system's clock; a share has the clock of another machine."""
        try:
            with tempfile.TemporaryFile(dir=self._root) as file:
                return _time(os.fstat(file.fileno()))
        except OSError:
            # Accounts that can read cannot always write.
            return None

    def delete(self, key: str) -> None:
        """Remove the object, if there is one."""
        with self._translate_errors(key):
            self._require_root()
            self._path(key).unlink(missing_ok=True)

    def _write(
        self, key: str, data: bytes, checksum: Checksum, publish: Callable[[Path, Path], object]
    ) -> None:
        def verify_and_publish(temporary: Path, path: Path) -> None:
            if Checksum.of(temporary.read_bytes(), checksum.algorithm) != checksum:
                raise IntegrityError(f"{self.url}: {key}: {checksum.algorithm} of the written file differs")
            publish(temporary, path)

        with self._translate_errors(key):
            path = self._path(key)
            self._require_root()
            make_folder(path.parent)
            write_whole(path, data, verify_and_publish)

    def _require_root(self) -> None:
        os.stat(f"{self._root}/.")  # noqa: PTH116 - pathlib drops the dot, and would accept a file

    def _path(self, key: str) -> Path:
        path = self._root / key
        if ".." in path.parts or not path.is_relative_to(self._root):
            raise StoreError(f"{self.url}: {key} leads out of the store; keys are relative and have no `..`")
        return path

    @contextmanager
    def _translate_errors(self, key: str) -> Iterator[None]:
        try:
            yield
        except FileExistsError:
            raise ObjectExists(f"{self.url}: {key} exists") from None
        except FileNotFoundError:
            if not self._root.is_dir():
                raise StoreUnreachable(f"{self.url}: no such folder; create it, or mount it") from None
            raise ObjectMissing(f"{self.url}: no object {key}") from None
        except NotADirectoryError:
            raise StoreUnreachable(f"{self.url}: is not a folder; correct the store's address") from None
        except NoExclusiveCreateError:
            what = f"writes of a new file are {_NOT_ATOMIC}, so that two pushes of one version could both win"
            raise _NotAtomicError(f"{self.url}: {what}; use another file system, or an S3 server") from None
        except OSError as error:
            raise StoreError(f"{self.url}: {key}: {error.strerror or error}") from None


def _time(status: os.stat_result) -> datetime:
    return datetime.fromtimestamp(status.st_mtime, UTC)
