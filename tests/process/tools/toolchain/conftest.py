"""Commands of the machine, replaced by scripts: no test compiles, installs, or uses the internet."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bluegrid import cache
from tests.support.toolchain import platform as platform
from tests.support.toolchain import tiny as tiny
from tools.toolchain.keys import this_platform

Commands = Callable[[str, str], Path]

# Builds its target at once: an output file says that it was built.
GO = """
echo "$@" >>"$GO_LOG"
case "$1" in
env) echo '{"GOVERSION": "go1.26.8", "GOOS": "linux", "GOARCH": "amd64"}' ;;
build)
    while [ "$1" != -o ]; do shift; done
    echo built >"$2"
    ;;
esac
"""


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "pulumi-home"))
    return cache.root()


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Puts a shell script on PATH under a name."""
    folder = tmp_path / "commands"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")

    def put(name: str, script: str) -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return put


@pytest.fixture
def go(tmp_path: Path, command: Commands, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An instant compiler; the file has a line for each of its calls."""
    log = tmp_path / "go.log"
    monkeypatch.setenv("GO_LOG", str(log))
    command("go", GO)
    this_platform.cache_clear()
    return log
