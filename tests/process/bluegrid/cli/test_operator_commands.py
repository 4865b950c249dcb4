"""Commands of the operator that run Pulumi or read git."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.operator import TEXT, bluegrid, output_of, pulumi_that, refused

if TYPE_CHECKING:
    from pathlib import Path


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    subprocess.run(["git", "-C", folder, *who, *arguments], check=True, capture_output=True)


@pytest.mark.usefixtures("file")
def test_a_switch_whose_update_fails_says_what_yaml_says_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulumi_that("exit 255", tmp_path, monkeypatch)
    done = bluegrid("switch", "line-loading", "d2", "--up", "--stack", "north")
    assert done.exit_code == 255
    assert done.stderr == (
        "error: registry/g1.yaml says d2, and the update has failed: see `bluegrid status line-loading`; "
        "if d1 is still live, `bluegrid switch line-loading d1`\n"
    )


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize(
    ("command", "runs"),
    [("switch line-loading d2 --up", "up"), ("switch line-loading d2 --dry-run", "preview")],
)
def test_the_program_is_told_which_routes_are_updated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, runs: str
) -> None:
    """Without that the engine refuses the update if another service's switch is declared but not applied."""
    pulumi_that(
        f'echo "$BLUEGRID_PARTIAL_UPDATE $BLUEGRID_ROUTES $1" > {tmp_path}/ran', tmp_path, monkeypatch
    )
    settings = tmp_path / "north.yaml"
    settings.write_text("config: {bluegrid:registry: registry}\n")
    output_of(*command.split(), "--stack", "north", "--config-file", str(settings))
    assert (tmp_path / "ran").read_text() == f"1 line-loading {runs}\n"


def test_deleting_with_an_update_allows_that_one_end(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulumi_that(f'echo "$BLUEGRID_ALLOW_DELETE $*" > {tmp_path}/ran', tmp_path, monkeypatch)
    output_of("service", "remove", "line-loading", "--yes", "--up", "--stack", "north")
    assert (tmp_path / "ran").read_text() == "line-loading up --yes --stack north\n"
    assert "service:" not in file.read_text()


def test_a_rollback_goes_to_what_was_live_before_and_back_again(file: Path) -> None:
    git(file.parent, "init", "--quiet")
    git(file.parent, "add", "--all")
    git(file.parent, "commit", "--quiet", "--message", "online")
    output_of("switch", "line-loading", "d2")
    git(file.parent, "commit", "--quiet", "--all", "--message", "d2 goes live")
    assert "live: d1" in output_of("rollback", "line-loading", "--dry-run")
    assert "line-loading: d2 -> d1" in output_of("rollback", "line-loading")
    assert file.read_text() == TEXT
    git(file.parent, "commit", "--quiet", "--all", "--message", "back to d1")
    rows = json.loads(output_of("history", "line-loading", "--json"))
    assert [(row["commit"]["subject"], row["changes"][0]) for row in rows] == [
        ("back to d1", "live: d2 -> d1"),
        ("d2 goes live", "live: d1 -> d2"),
        ("online", "live: none -> d1"),
    ]
    output_of("rollback", "line-loading")
    assert file.read_text() == TEXT.replace("live: d1", "live: d2")


def test_a_rollback_without_a_history_is_refused(file: Path) -> None:
    assert "registry/g1.yaml: has no history" in refused("rollback", "line-loading")
    assert file.read_text() == TEXT


@pytest.mark.parametrize(
    "command",
    [
        "cluster set line-loading d1 replicas=3",
        "service set line-loading standbyReplicas=1",
        "set edit g1 accelerate=onnx",
    ],
)
def test_a_key_that_is_set_is_applied_with_up(
    command: str, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulumi_that(f'echo "$*" > {tmp_path}/ran', tmp_path, monkeypatch)
    output_of(*command.split(), "--yes", "--up", "--stack", "north")
    assert (tmp_path / "ran").read_text() == "up --yes --stack north\n"
    assert file.read_text() != TEXT


def test_a_service_that_is_added_with_up_is_online(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(TEXT[: TEXT.index("service:")])
    pulumi_that(f'echo "$*" > {tmp_path}/ran', tmp_path, monkeypatch)
    options = ("--set", "g1", "--version", "v1", "--yes", "--up", "--stack", "north")
    assert output_of("service", "add", "loads", *options).startswith("loads: is online in YAML")
    assert (tmp_path / "ran").read_text() == "up --yes --stack north\n"
