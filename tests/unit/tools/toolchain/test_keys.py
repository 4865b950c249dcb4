from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tools.toolchain.keys import Platform, key_of
from tools.toolchain.programs import PROGRAMS, Program
from tools.toolchain.versions import Range

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "go" / "pause"
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text("module m\n")
    (folder / "go.sum").write_text("example.org/a v1.0.0 h1:aaa=\n")
    return folder.parent


def test_the_same_inputs_have_the_same_key(tiny: Program, platform: Platform, sources: Path) -> None:
    assert key_of(tiny, platform, sources) == key_of(tiny, platform, sources)


@pytest.mark.parametrize(
    "changed",
    [{"version": "1.2.4"}, {"packages": ("./other",)}, {"ldflags": "-X a=b"}, {"binaries": ("tiny", "more")}],
)
def test_a_program_that_is_built_otherwise_has_another_key(
    tiny: Program, platform: Platform, sources: Path, changed: dict[str, str]
) -> None:
    assert key_of(replace(tiny, **changed), platform, sources) != key_of(tiny, platform, sources)  # type: ignore[arg-type]


@pytest.mark.parametrize("changed", [{"go": "go1.27.0"}, {"goarch": "arm64"}])
def test_another_compiler_or_machine_makes_another_key(
    tiny: Program, platform: Platform, sources: Path, changed: dict[str, str]
) -> None:
    assert key_of(tiny, replace(platform, **changed), sources) != key_of(tiny, platform, sources)


@pytest.mark.parametrize("file", ["go.mod", "go.sum", "main.go"])
def test_a_changed_or_new_source_file_makes_another_key(
    tiny: Program, platform: Platform, sources: Path, file: str
) -> None:
    before = key_of(tiny, platform, sources)
    with (sources / "pause" / file).open("a") as out:
        out.write("// changed\n")
    assert key_of(tiny, platform, sources) != before


def test_estimates_and_what_path_may_hold_do_not_make_another_key(
    tiny: Program, platform: Platform, sources: Path
) -> None:
    estimated = replace(tiny, seconds=99, megabytes=99, fits=Range((1, 0, 0), (2, 0, 0)))
    assert key_of(estimated, platform, sources) == key_of(tiny, platform, sources)


def test_every_program_of_the_table_has_a_key_of_its_own(platform: Platform) -> None:
    assert len({key_of(each, platform) for each in PROGRAMS}) == len(PROGRAMS)
