"""The table of commands is the truth about their modules, and old spellings still work."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

import bluegrid
from bluegrid.cli.commands import ALIASES, COMMANDS
from bluegrid.cli.main import app
from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from bluegrid.cli.tree import Row

GROUPS = {row.path.rpartition(" ")[0] for row in COMMANDS} - {""}
LEAVES = [row for row in COMMANDS if row.path not in GROUPS]
CLI = CHECKOUT / "bluegrid" / "cli"


def command(path: str) -> Any:
    """Return a command of the whole tree."""
    found: Any = typer.main.get_command(app)
    for word in path.split():
        found = found.load(word)
    return found


@pytest.mark.parametrize("row", LEAVES, ids=lambda row: row.path)
def test_a_row_has_the_first_line_of_the_commands_own_help(row: Row) -> None:
    assert inspect.cleandoc(command(row.path).help).splitlines()[0] == row.line
    assert len(row.line) <= 72


@pytest.mark.parametrize("row", LEAVES, ids=lambda row: row.path)
def test_the_help_of_a_command_ends_with_an_example_of_it(row: Row) -> None:
    assert command(row.path).epilog.startswith(("Example: `bluegrid", "Examples: `bluegrid"))
    assert re.search(rf"`bluegrid {row.path}[ `]", command(row.path).epilog)


def test_every_file_that_declares_a_command_has_a_row() -> None:
    declared = {
        path.relative_to(CLI).with_suffix("").as_posix().replace("/", " ").replace("_", "-")
        for path in CLI.rglob("*.py")
        if "\n@command(" in path.read_text()
    }
    assert declared == {row.path for row in LEAVES}


def test_a_row_of_the_top_level_has_a_panel_and_no_other_has() -> None:
    assert [row.path for row in COMMANDS if bool(row.panel) is (" " in row.path)] == []


@pytest.mark.parametrize("spelling", ALIASES)
def test_an_old_spelling_is_the_command_under_its_new_name(spelling: str) -> None:
    old, new = command(spelling), command(ALIASES[spelling])
    assert (old.name, old.help) == (new.name, new.help)
    assert [each.name for each in old.params] == [each.name for each in new.params]


def test_help_lists_no_old_spelling() -> None:
    listed = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).stdout
    assert "switch" in listed
    words = {line.split()[1] for line in listed.splitlines() if line.startswith("│ ")}
    assert words & {*ALIASES} == set()


def test_a_mistyped_command_is_refused_with_the_nearest_name() -> None:
    done = CliRunner().invoke(app, ["cluster", "scal"])
    assert done.exit_code == 2
    assert "scale" in done.output


def test_an_old_spelling_of_an_option_still_works_before_a_double_dash() -> None:
    group: Any = typer.main.get_command(app)
    context = group.make_context("bluegrid", ["verify"])
    arguments = ["verify", "g1", "--source=s3://copy", "--source", "x", "--", "--source"]
    _, _, rest = group.resolve_command(context, arguments)
    assert rest == ["g1", "--from=s3://copy", "--from", "x", "--", "--source"]


def test_the_version_of_the_program_is_printed() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"bluegrid {bluegrid.__version__}\n"
