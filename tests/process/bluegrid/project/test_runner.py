"""How Pulumi is run: its environment in an update of named targets, and reading a state."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from bluegrid.project import Stack, Target, exported_resources, find_stack, run_attached, up
from bluegrid.promotion.rehearsal import rehearse
from bluegrid_registry import BluegridError, ConfigError
from tests.support.operator import file as file
from tests.support.operator import pulumi_that


@pytest.fixture
def ran(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which a made-up Pulumi records its command, and the routes passed to the program."""
    assert file.is_file()
    note = tmp_path / "ran"
    pulumi_that(f'echo "$BLUEGRID_PARTIAL_UPDATE $BLUEGRID_ROUTES $1" > {note}', tmp_path, monkeypatch)
    return note


@pytest.mark.parametrize("with_route", [True, False])
def test_an_update_tells_the_program_which_routes_are_targets(
    ran: Path, tmp_path: Path, with_route: bool
) -> None:
    target = Target("line-loading", ("d2",), are_scaled=True, with_route=with_route)
    up(target, Stack("north", tmp_path / "north.yaml", "north", "grid", "bluegrid", None))
    assert ran.read_text() == ("1 line-loading up\n" if with_route else "1  up\n")


def test_so_does_a_rehearsal(ran: Path, file: Path, tmp_path: Path) -> None:
    settings = tmp_path / "Pulumi.north.yaml"
    settings.write_text(
        "config: {bluegrid:registry: registry, bluegrid:kubeContext: grid, bluegrid:namespace: north}\n"
    )
    # It prints no readable plan.
    with suppress(BluegridError):
        rehearse(file.parent, "line-loading", "d2", find_stack(tmp_path, "north"))
    assert ran.read_text() == "1 line-loading preview\n"


@pytest.mark.parametrize("way", ["up", "rehearsal", "on the terminal"])
def test_what_pulumi_leaves_in_its_temporary_folder_is_removed(
    way: str, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Stack("north", tmp_path / "north.yaml", "north", "grid", "bluegrid", None)
    stack.file.write_text("config: {}\n")
    note = tmp_path / "note"
    pulumi_that(f'echo secret > "$TMPDIR/kubeconfig1"; ls "$TMPDIR"/* > {note}', tmp_path, monkeypatch)
    match way:
        case "up":
            up(Target("line-loading", ("d2",), are_scaled=True, with_route=True), stack)
        case "rehearsal":
            with suppress(BluegridError):
                rehearse(file.parent, "line-loading", "d2", stack)
        case _:
            assert run_attached(["pulumi", "up"], {}) == 0
    assert note.read_text().endswith("/kubeconfig1\n")
    assert not Path(note.read_text().strip()).parent.exists()


def test_a_plugin_that_still_writes_there_changes_no_result(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    writes = 'i=0; while [ $i -lt 20000 ] && : > "$TMPDIR/d/$i"; do i=$((i+1)); done'
    pulumi_that(f'mkdir "$TMPDIR/d"; ({writes}) > /dev/null 2>&1 & sleep 0.2', tmp_path, monkeypatch)
    assert run_attached(["pulumi", "up"], {}) == 0


@pytest.mark.parametrize("times", [2, 3])
def test_a_state_that_another_update_is_writing_is_read_again(
    times: int, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert file.is_file()
    tries = tmp_path / "tries"
    fails = "echo 'error: failed to load checkpoint: EOF' >&2; exit 255"
    shows = """echo '{"deployment": {"resources": [{"urn": "u"}]}}'"""
    script = f'echo >> {tries}; if [ "$(wc -l < {tries})" -le {times} ]; then {fails}; fi; {shows}'
    pulumi_that(script, tmp_path, monkeypatch)
    if times < 3:
        assert exported_resources("north") == [{"urn": "u"}]
    else:
        with pytest.raises(ConfigError, match="stack north cannot be read: error: failed to load checkpoint"):
            exported_resources("north")
