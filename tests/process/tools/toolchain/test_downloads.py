from __future__ import annotations

import functools
import hashlib
import io
import tarfile
import threading
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from tools.toolchain import supply
from tools.toolchain.download import available, download, published_sum
from tools.toolchain.errors import DownloadError
from tools.toolchain.programs import Download, Program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tools.toolchain.keys import Platform

SUM = hashlib.sha256(b"x").hexdigest()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    folder = tmp_path / "releases"
    folder.mkdir()
    return folder


@pytest.fixture
def url(releases: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(releases)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def archive(content: bytes, *names: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def released(tiny: Program, releases: Path, url: str) -> Program:
    """Return `tiny` with an official archive of two programs and its published sum."""
    data = archive(b"official", "tiny-1.2.3/tiny", "tiny-1.2.3/tiny-helper", "tiny-1.2.3/README")
    (releases / "tiny-1.2.3-x64.tar.gz").write_bytes(data)
    (releases / "SHA256SUMS").write_text(
        f"{SUM}  other.tar.gz\n{hashlib.sha256(data).hexdigest()} *tiny-1.2.3-x64.tar.gz\n"
    )
    release = Download(
        f"{url}/tiny-{{version}}-{{short}}.tar.gz", f"{url}/SHA256SUMS", ("tiny", "tiny-helper")
    )
    return replace(tiny, downloads=(release,))


def test_what_is_published_is_unpacked_and_can_be_run(
    released: Program, platform: Platform, tmp_path: Path
) -> None:
    into = tmp_path / "into"
    into.mkdir()
    origin = download(released, platform, into, lambda: None)
    assert sorted(each.name for each in into.iterdir()) == ["tiny", "tiny-helper"]
    assert (into / "tiny").read_bytes() == b"official"
    assert (into / "tiny").stat().st_mode & 0o111
    assert origin.startswith("downloaded from http://127.0.0.1:")
    assert origin.endswith("/tiny-1.2.3-x64.tar.gz")


def test_a_bare_program_with_a_sum_of_its_own_is_kept(
    tiny: Program, platform: Platform, releases: Path, url: str, tmp_path: Path
) -> None:
    (releases / "tiny").write_bytes(b"x")
    (releases / "tiny.sha256").write_text(SUM)
    bare = replace(tiny, downloads=(Download(f"{url}/tiny", f"{url}/tiny.sha256", ("tiny",)),))
    download(bare, platform, tmp_path, lambda: None)
    assert (tmp_path / "tiny").read_bytes() == b"x"


def test_bytes_that_are_not_the_published_ones_are_refused_and_removed(
    released: Program, platform: Platform, releases: Path, tmp_path: Path
) -> None:
    (releases / "tiny-1.2.3-x64.tar.gz").write_bytes(archive(b"tampered", "tiny", "tiny-helper"))
    into = tmp_path / "into"
    into.mkdir()
    with pytest.raises(
        DownloadError, match=r"tiny-1\.2\.3-x64\.tar\.gz: SHA-256 is [0-9a-f]{64}, published is"
    ):
        download(released, platform, into, lambda: None)
    assert list(into.iterdir()) == []


def _tamper(releases: Path) -> None:
    (releases / "tiny-1.2.3-x64.tar.gz").write_bytes(archive(b"tampered", "tiny", "tiny-helper"))


def _forget_the_sum(releases: Path) -> None:
    (releases / "SHA256SUMS").write_text(f"{SUM}  other.tar.gz\n")


def _withdraw(releases: Path) -> None:
    (releases / "tiny-1.2.3-x64.tar.gz").unlink()


@pytest.mark.parametrize("fault", [_tamper, _forget_the_sum, _withdraw])
def test_a_download_that_cannot_be_verified_falls_through_to_a_build(
    released: Program,
    releases: Path,
    go: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[Path], None],
) -> None:
    fault(releases)
    monkeypatch.setattr(supply, "PROGRAMS", (released,))
    assert supply.obtain()["tiny"].read_text() == "built\n"


def test_an_official_download_comes_before_a_build(
    released: Program, go: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supply, "PROGRAMS", (released,))
    files = supply.obtain()
    assert files["tiny"].read_bytes() == b"official"
    assert files["tiny-helper"].read_bytes() == b"official"
    assert "build" not in go.read_text()


def test_a_host_that_does_not_answer_offers_nothing(tiny: Program) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        free = server.server_port
    assert not available(replace(tiny, downloads=(Download(f"http://127.0.0.1:{free}/t", "", ("t",)),)))


def test_a_program_without_official_downloads_is_built(tiny: Program) -> None:
    assert not available(tiny)


@pytest.mark.parametrize("text", ["", f"{SUM}  other", f"{SUM[:40]}  tiny", "<html>not found</html>"])
def test_a_list_without_the_file_has_no_sum_of_it(text: str) -> None:
    with pytest.raises(DownloadError, match=r"^no SHA-256 of tiny is published$"):
        published_sum(text, "tiny")
