from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bluegrid.cache import root
from tests.support.checkout import CHECKOUT
from tools.toolchain import cache, supply
from tools.toolchain.errors import ToolchainError
from tools.toolchain.programs import PROGRAMS
from tools.toolchain.progress import Activity, Step

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Commands = Callable[[str, str], Path]
    from tools.toolchain.programs import Program


@pytest.fixture
def table(tiny: Program, go: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Program, ...]:
    programs = (tiny, replace(tiny, name="small", binaries=("small",)))
    monkeypatch.setattr(supply, "PROGRAMS", programs)
    monkeypatch.setattr(supply, "PEERS", (replace(tiny, name="peer", binaries=("peer",)),))
    return programs


def builds(go: Path) -> int:
    return sum(line.startswith("build ") for line in go.read_text().splitlines())


def test_what_is_missing_is_built_once(table: tuple[Program, ...], go: Path) -> None:
    first = supply.obtain()
    assert first["tiny"].read_text() == "built\n"
    assert builds(go) == 2
    assert supply.obtain() == first
    assert builds(go) == 2


def test_links_to_all_of_it_are_in_one_folder(table: tuple[Program, ...]) -> None:
    files = supply.obtain()
    assert {each.name: each.resolve() for each in supply.programs_dir().iterdir()} == files


def test_a_second_program_is_added_to_the_first(table: tuple[Program, ...], go: Path) -> None:
    assert set(supply.obtain(["small"])) == {"small"}
    assert set(supply.obtain()) == {"small", "tiny"}
    assert builds(go) == 2


def test_a_peer_is_built_only_when_it_is_named(table: tuple[Program, ...], go: Path) -> None:
    assert "peer" not in supply.obtain()
    assert builds(go) == 2
    assert set(supply.obtain(["peer"])) == {"peer"}
    assert builds(go) == 3


def test_the_compilers_caches_are_gone_once_programs_stand(table: tuple[Program, ...]) -> None:
    supply.obtain()
    assert not cache.build().exists()


def test_a_failed_build_is_one_line_and_keeps_what_was_compiled(
    table: tuple[Program, ...], go: Path, command: Commands
) -> None:
    script = (go.parent / "commands" / "go").read_text()
    command(
        "go",
        script.replace("    echo built", '    echo "verifying m: checksum mismatch"; exit 1\n    echo built'),
    )
    with pytest.raises(ToolchainError) as caught:
        supply.obtain()
    log = cache.build() / "tiny.log"
    assert str(caught.value).startswith(
        f"go build of tiny 1.2.3 failed: verifying m: checksum mismatch; all of its output is in {log};"
    )
    assert "\n" not in str(caught.value)
    assert (cache.build() / "gocache").is_dir()
    assert not any(cache.programs().glob("*tiny*"))

    command("go", script)
    assert set(supply.obtain()) == {"small", "tiny"}


def test_steps_are_reported_with_their_place_in_the_row(table: tuple[Program, ...]) -> None:
    reported: list[Step] = []
    supply.obtain(progress=reported.append)
    ended = [each for each in reported if each.ended]
    assert [(each.activity, each.what, each.number, each.of, each.ended) for each in ended] == [
        (Activity.BUILDING, "tiny 1.2.3", 1, 2, "done"),
        (Activity.BUILDING, "small 1.2.3", 2, 2, "done"),
    ]
    assert reported[0].ended is None
    assert reported[0].usual == 10


def test_an_unknown_name_is_refused_with_the_known_ones(table: tuple[Program, ...]) -> None:
    with pytest.raises(ToolchainError, match=r"^no program is called huge; known: tiny, small, peer$"):
        supply.obtain(["huge", "tiny"])


def test_the_second_of_two_runs_waits_and_says_so(table: tuple[Program, ...], go: Path) -> None:
    waiting = threading.Event()
    with cache.locked(lambda: None):
        second = threading.Thread(
            target=supply.obtain,
            args=(None, lambda step: waiting.set() if step.activity is Activity.WAITING else None),
        )
        second.start()
        assert waiting.wait(10)
        assert builds(go) == 0
    second.join(10)
    assert builds(go) == 2


def test_a_compiler_that_outlives_its_run_keeps_the_next_one_waiting(
    table: tuple[Program, ...], tmp_path: Path, command: Commands, go: Path
) -> None:
    started, proceed = tmp_path / "started", tmp_path / "proceed"
    os.mkfifo(started)
    os.mkfifo(proceed)
    script = (go.parent / "commands" / "go").read_text()
    command("go", script.replace("build)", f"build)\n    echo >{started}\n    read -r _ <{proceed}"))
    with subprocess.Popen(
        [sys.executable, "-c", "from tools.toolchain import obtain; obtain(['pause'])"], cwd=CHECKOUT
    ) as run:
        started.read_text()
        run.send_signal(signal.SIGKILL)
    with (root() / "toolchain.lock").open("w") as lock:
        with pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        proceed.write_text("go on\n")
        fcntl.flock(lock, fcntl.LOCK_EX)


@pytest.fixture
def pulumi(tiny: Program, go: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    known = next(each for each in PROGRAMS if each.name == "pulumi")
    program = replace(tiny, name="pulumi", binaries=("pulumi",), fits=known.fits)
    monkeypatch.setattr(supply, "PROGRAMS", (program,))
    return program


def test_a_pulumi_that_we_built_gets_the_stand_in_host(pulumi: Program) -> None:
    assert supply.obtain()["pulumi-language-python"] == supply.STAND_IN
    assert (supply.programs_dir() / "pulumi-language-python").resolve() == supply.STAND_IN


def test_a_pulumi_of_the_machine_keeps_its_own_host_and_needs_no_links(
    pulumi: Program, command: Commands
) -> None:
    theirs = command("pulumi", "echo v3.246.0")
    host = command("pulumi-language-python", "exit 0")
    assert supply.obtain() == {"pulumi": theirs, "pulumi-language-python": host}
    assert list(supply.programs_dir().iterdir()) == []


def test_a_pulumi_of_the_machine_without_host_gets_the_stand_in(pulumi: Program, command: Commands) -> None:
    theirs = command("pulumi", "echo v3.246.0")
    assert supply.obtain() == {"pulumi": theirs, "pulumi-language-python": supply.STAND_IN}
    assert [each.name for each in supply.programs_dir().iterdir()] == ["pulumi-language-python"]


def test_links_to_our_own_go_when_the_machine_gets_a_program(pulumi: Program, command: Commands) -> None:
    supply.obtain()
    assert (supply.programs_dir() / "pulumi").exists()
    command("pulumi", "echo v3.246.0")
    command("pulumi-language-python", "exit 0")
    supply.obtain()
    assert list(supply.programs_dir().iterdir()) == []


def test_a_read_only_cache_and_what_a_killed_deletion_left_are_deleted(caches: Path) -> None:
    modules = cache.build() / "gomod" / "example.org@v1"
    modules.mkdir(parents=True)
    (modules / "go.mod").touch()
    modules.chmod(0o555)
    left = caches / "build.discarded-1"
    left.mkdir()
    cache.discard(cache.build())
    deadline = time.monotonic() + 20
    while any(caches.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert list(caches.iterdir()) == []
