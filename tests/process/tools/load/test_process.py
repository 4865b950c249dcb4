"""The load in a separate process: live figures, an orderly end, and an end with its parent."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.process.tools.load.http_server import good, served
from tools.load import Load, LoadError, LoadReport

if TYPE_CHECKING:
    from pathlib import Path


def test_a_load_shows_live_figures_and_ends_with_everything_answered(
    request_file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "report.json"
    with (
        served(lambda _, total: good(total)) as url,
        Load.start(url, "line-loading", request_file, path, rate=50) as load,
    ):
        live = load.wait_until(lambda figures: figures.by_cluster["d1"] > 0, seconds=30)
        report = load.stop()
    assert not live.finished
    assert report.finished
    assert report.sent == report.ok >= live.ok > 0


def test_a_load_that_cannot_start_says_why_on_one_line(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"^[^\n]*no-such-file.json: No such file[^\n]*$"):
        Load.start("http://127.0.0.1", "s", tmp_path / "no-such-file.json", tmp_path / "report.json")


def test_a_load_ends_with_the_process_that_started_it(request_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    program = (
        "import pathlib, sys; from tools.load import Load\n"
        "requests, report = map(pathlib.Path, sys.argv[2:])\n"
        "Load.start(sys.argv[1], 'line-loading', requests, report, rate=50, seconds=45)"
    )
    with served(lambda _, total: good(total)) as url:
        subprocess.run([sys.executable, "-c", program, url, str(request_file), str(path)], check=True)
        deadline = time.monotonic() + 30
        while not LoadReport.read(path).finished:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert LoadReport.read(path).seconds < 30


def test_a_load_without_an_end_is_refused(request_file: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "tools.load",
        "--url",
        "http://127.0.0.1",
        "--service",
        "s",
        "--seconds",
        "inf",
    ]
    command += ["--requests", str(request_file), "--report", str(tmp_path / "report.json")]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "inf is not a number above 0" in refused.stderr
