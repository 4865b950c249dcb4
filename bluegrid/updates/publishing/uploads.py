"""Receives and stores uploads, each named by its SHA-256.

    <state>/uploads/<sha256>            complete and verified
    <state>/uploads/.<random>.partial   being received, or left by a crash

The sender names the digest first; bytes with another digest are refused.
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
"""Age after which an incomplete upload is deleted, in seconds."""
MAX_BATCH_ENTRIES = 200_000
MAX_PADDING_BYTES = 2**20


@dataclass(frozen=True)
class Uploads:
    """The folder of uploads.

    Attributes:
        folder: the folder.
        max_bytes: the largest size of an upload, and of the files of a batch.
    """

    folder: Path
    max_bytes: int

    async def receive(self, digest: str, chunks: AsyncIterator[bytes]) -> bool:
        """Receive an upload; return False if the server had it already.

        Every body is read and hashed, even if its digest is known.

        Args:
            digest: `sha256:` and 64 hexadecimal digits.
            chunks: of the body.

        Raises:
            ApiError: the body has another digest, or is too large.
            ConfigError: the folder cannot be written.
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
        """Raise ApiError if an upload is missing; treat the others as new, so that they are kept."""
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
            ConfigError: the upload does not exist any more.
        """
        path = self._path(digest)
        if not path.exists():
            raise ConfigError(f"upload {digest} is not here any more; send it again")
        return path

    def unpack(self, digest: str, folder: Path) -> Path:
        """Unpack a tar archive into a folder, and return the folder.

        Raises:
            FormatError: the upload is not a tar archive, or is not safe to unpack.
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
        """Delete uploads that no update needs, and incomplete uploads.

        Args:
            keep: digests that updates still need.
            older_than: seconds; a younger upload may be waiting for its request.
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
    """Refuse a truncated archive: a complete archive ends with two blocks of zeros, and padding."""
    file = archive.fileobj
    if file is None or file.seek(archive.offset) != archive.offset:
        raise tarfile.ReadError("it ends in the middle")
    # Reading to the end of the compressed data verifies its checksum.
    rest = file.read(MAX_PADDING_BYTES + 1)
    if not 2 * tarfile.BLOCKSIZE <= len(rest) <= MAX_PADDING_BYTES or rest.strip(b"\0"):
        raise tarfile.ReadError("it does not end as an archive does")
