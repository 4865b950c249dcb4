from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.toolchain import __main__ as command_line
from tools.toolchain import debian, supply
from tools.toolchain.cost import Cost, of_programs, require_room, table
from tools.toolchain.errors import ToolchainError

if TYPE_CHECKING:
    from pathlib import Path

    from tools.toolchain.programs import Program


def test_the_plan_names_what_is_installed_and_what_it_takes() -> None:
    text = table([Cost("Debian packages: runc", 20, 3, 0, 9), Cost("built: etcd", 90, 100, 1500, 26)])
    assert text.splitlines() == [
        "time on 2 cores  download  disk meanwhile  disk kept  to be installed",
        "           20 s      3 MB            9 MB       9 MB  Debian packages: runc",
        "     1 min 30 s    100 MB          1.5 GB      26 MB  built: etcd",
        "     1 min 30 s    103 MB          1.5 GB      35 MB  in all, side by side",
    ]


def test_nothing_to_install_is_said_in_words() -> None:
    assert table([]) == "Nothing has to be installed."


def test_what_stands_costs_nothing(tiny: Program, go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supply, "PROGRAMS", (tiny,))
    (before,) = of_programs()
    assert before.what == "built from Go modules: tiny"
    assert (before.seconds, before.kept) == (10, 1)
    supply.obtain()
    assert of_programs() == ()


def test_a_full_disk_is_refused_before_anything_is_begun(caches: Path) -> None:
    with pytest.raises(
        ToolchainError, match=rf"^{caches} has .* free and 1000000\.0 GB are needed: make room, or .*$"
    ):
        require_room([Cost("a lot", 1, 1, 999_999_000, 1_000)])


def test_the_command_line_tells_a_refusal_in_one_line(
    tiny: Program, go: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(supply, "PROGRAMS", (tiny,))
    monkeypatch.setattr(debian, "PACKAGES", ())
    (go.parent / "commands" / "go").write_text("#!/bin/sh\nexit 1\n")
    assert command_line.main(["plan"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
