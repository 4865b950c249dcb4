"""Official downloads, kept only if they have the published SHA-256."""

from __future__ import annotations

import functools
import hashlib
import shutil
import tarfile
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from tools.toolchain.errors import DownloadError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tools.toolchain.keys import Platform
    from tools.toolchain.programs import Download, Program

_PROBE = httpx.Timeout(3)
_TRANSFER = httpx.Timeout(20, connect=5)
_ARCHITECTURES = {"amd64": {"short": "x64", "uname": "x86_64"}, "arm64": {"short": "arm64", "uname": "arm64"}}


def available(program: Program) -> bool:
    """Return whether a program has official downloads on hosts that answer."""
    return bool(program.downloads) and all(_answers(_host(each.url)) for each in program.downloads)


def download(program: Program, platform: Platform, into: Path, tick: Callable[[], None]) -> str:
    """Put a program's official release into a folder.

    Args:
        program: a program that is `available`.
        platform: the platform to run it on.
        into: the folder.
        tick: called now and then while bytes arrive.

    Returns:
        The origin, for people.

    Raises:
        DownloadError: the download failed, or a checksum differs; then the file is deleted.
    """
    for each in program.downloads:
        _take(_filled(each.url, program, platform), _filled(each.sums, program, platform), each, into, tick)
    return "downloaded from " + ", ".join(_filled(each.url, program, platform) for each in program.downloads)


@functools.cache
def _answers(host: str) -> bool:
    """Return whether a host answers; tried once, so that without internet access not every file times out."""
    try:
        httpx.head(host, timeout=_PROBE)
    except httpx.HTTPError:
        return False
    return True


def _take(url: str, sums: str, download: Download, into: Path, tick: Callable[[], None]) -> None:
    name = url.rpartition("/")[2]
    archive = into / f"{name}.download"
    try:
        with httpx.Client(timeout=_TRANSFER, follow_redirects=True) as client:
            expected = published_sum(client.get(sums).raise_for_status().text, name)
            actual = _save(client, url, archive, tick)
        if actual != expected:
            raise DownloadError(f"{url}: SHA-256 is {actual}, published is {expected}: the file is not used")
        if name.endswith(".tar.gz"):
            _unpack(archive, download.binaries, into)
        else:
            archive.rename(into / name)
    except (httpx.HTTPError, tarfile.TarError, OSError) as error:
        raise DownloadError(f"{url}: {error}") from error
    finally:
        archive.unlink(missing_ok=True)
    for binary in download.binaries:
        (into / binary).chmod(0o755)


def _save(client: httpx.Client, url: str, file: Path, tick: Callable[[], None]) -> str:
    digest = hashlib.sha256()
    with client.stream("GET", url) as answer, file.open("wb") as out:
        answer.raise_for_status()
        for chunk in answer.iter_bytes(1 << 20):
            digest.update(chunk)
            out.write(chunk)
            tick()
    return digest.hexdigest()


def _unpack(archive: Path, binaries: tuple[str, ...], into: Path) -> None:
    """Extract the named programs from any folder of an archive."""
    missing = set(binaries)
    with tarfile.open(archive) as tar:
        for member in tar:
            name = member.name.rpartition("/")[2]
            if member.isfile() and name in missing and (source := tar.extractfile(member)):
                with source, (into / name).open("wb") as out:
                    shutil.copyfileobj(source, out)
                missing.remove(name)
    if missing:
        raise DownloadError(f"{archive.name} does not contain {', '.join(sorted(missing))}")


def published_sum(text: str, name: str) -> str:
    """Return the SHA-256 of a file, from a list of `<sum> <file>` lines or a file with only the sum.

    Raises:
        DownloadError: the list does not name the file.
    """
    for line in text.splitlines():
        match line.split():
            case [value] | [value, _] if len(value) != 64:
                continue
            case [value]:
                return value.lower()
            case [value, listed] if listed.lstrip("*").rpartition("/")[2] == name:
                return value.lower()
    raise DownloadError(f"no SHA-256 of {name} is published")


def _filled(template: str, program: Program, platform: Platform) -> str:
    architecture = _ARCHITECTURES.get(platform.goarch, {"short": platform.goarch, "uname": platform.goarch})
    return template.format(version=program.version, goarch=platform.goarch, **architecture)


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
