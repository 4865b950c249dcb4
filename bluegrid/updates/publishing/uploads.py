"""Bytes that were sent to the server, each under its own SHA-256: nothing else can be under that name.

    <state>/uploads/<sha256>            whole and verified
    <state>/uploads/.<random>.partial   under way, or left by a crash

The sender names the digest before it sends, and what has another one is not kept, whatever was sent before.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import secrets
import tarfile
import time
import zlib
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from anyio import to_thread

from bluegrid.updates.disk_reserve import FULL
from bluegrid.updates.errors import ApiError, not_found
from bluegrid_registry.errors import ConfigError, FormatError
from bluegrid_registry.formats.archive import extract_member

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterator
    from pathlib import Path
    from typing import BinaryIO

PARTIAL_SECONDS = 24 * 3600
"""After which an upload that never ended is forgotten."""
MAX_BATCH_ENTRIES = 200_000
MAX_PADDING_BYTES = 2**20


@dataclass(frozen=True)
class Uploads:
    """The folder of uploads.

    Attributes:
        folder: where they lie.
        max_bytes: of one upload, and of the files that a batch unpacks to.
    """

    folder: Path
    max_bytes: int

    async def receive(self, digest: str, chunks: AsyncIterator[bytes]) -> bool:
        """Keep what arrives if it has this digest; False: it was there already.

        Every body is read and hashed: a digest that was sent before says nothing about these bytes.

        Raises:
            ApiError: it is another, or too large.
            ConfigError: it cannot be written.
        """
        is_new = not self._path(digest).exists()
        temporary = self.folder / f".{secrets.token_hex(8)}.partial"
        try:
            with temporary.open("xb") as file:
                received = await self._write(file, chunks)
                if received != digest:
                    message = f"the body's digest is {received}, not {digest}; send it again"
                    raise ApiError(HTTPStatus.BAD_REQUEST, message)
                await to_thread.run_sync(os.fsync, file.fileno())
            temporary.replace(self._path(digest))
        except OSError as error:
            if error.errno in FULL:
                message = "the server's disk is full; free space, and send it again"
                raise ApiError(HTTPStatus.INSUFFICIENT_STORAGE, message) from None
            raise ConfigError(f"{self.folder}: cannot be written: {error.strerror}; free space") from None
        finally:
            temporary.unlink(missing_ok=True)
        return is_new

    async def _write(self, file: BinaryIO, chunks: AsyncIterator[bytes]) -> str:
        hashed, count = hashlib.sha256(), 0
        async for chunk in chunks:
            count += len(chunk)
            if count > self.max_bytes:
                message = (
                    f"an upload has at most {self.max_bytes} bytes; push larger ones with `bluegrid push`"
                )
                raise ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)
            hashed.update(chunk)
            await to_thread.run_sync(file.write, chunk)
        await to_thread.run_sync(file.flush)
        return f"sha256:{hashed.hexdigest()}"

    def require(self, digests: Collection[str]) -> None:
        """Raise ApiError when one of them is not here; those that are stay for as long as new ones."""
        missing = []
        for digest in sorted(digests):
            try:
                os.utime(self._path(digest))
            except FileNotFoundError:
                missing.append(digest)
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise not_found(f"upload {missing[0]}{more}: not here; send it first: PUT /uploads/{missing[0]}")

    def path(self, digest: str) -> Path:
        """Return the file of an upload.

        Raises:
            ConfigError: it is not here any more.
        """
        path = self._path(digest)
        if not path.exists():
            raise ConfigError(f"upload {digest} is not here any more; send it again")
        return path

    def unpack(self, digest: str, folder: Path) -> Path:
        """Unpack a tar archive into a folder, and return the folder.

        Raises:
            FormatError: it is no tar archive, or one that a careful person would not unpack.
        """
        try:
            with tarfile.open(self.path(digest)) as archive:
                for member in self._members(archive):
                    extract_member(archive, member, folder)
                _require_end(archive)
        except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
            reason = str(error).splitlines()[0].rstrip(":")
            raise FormatError(f"upload {digest[:19]}: not a tar archive of models: {reason}") from None
        return folder

    def _members(self, archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
        entries = size = 0
        for member in archive:
            entries, size = entries + 1, size + member.size
            if entries > MAX_BATCH_ENTRIES or size > self.max_bytes:
                raise FormatError(
                    f"a batch has at most {MAX_BATCH_ENTRIES} entries and {self.max_bytes} bytes"
                )
            if not (member.isreg() or member.isdir()):
                raise FormatError(f"a batch holds files and folders only; {member.name!r} is neither")
            # Some programs write absolute names.
            member.name = member.name.lstrip("/")
            yield member

    def sweep(self, keep: Collection[str], older_than: float) -> None:
        """Delete uploads that no update waits for, and those that never ended.

        Args:
            keep: digests that are still wanted.
            older_than: seconds since it came; a younger one may be waiting for its request.
        """
        now = time.time()
        for path in self.folder.iterdir():
            age = now - path.stat().st_mtime
            partial = path.name.endswith(".partial")
            if age > (PARTIAL_SECONDS if partial else older_than) and f"sha256:{path.name}" not in keep:
                path.unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        return self.folder / digest.removeprefix("sha256:")


def _require_end(archive: tarfile.TarFile) -> None:
    """Refuse an archive that was cut off: it ends with two blocks of zeros, and whatever pads it."""
    file = archive.fileobj
    if file is None or file.seek(archive.offset) != archive.offset:
        raise tarfile.ReadError("it ends in the middle")
    # To the end of what is compressed, where its own checksum is.
    rest = file.read(MAX_PADDING_BYTES + 1)
    if not 2 * tarfile.BLOCKSIZE <= len(rest) <= MAX_PADDING_BYTES or rest.strip(b"\0"):
        raise tarfile.ReadError("it does not end as an archive does")
