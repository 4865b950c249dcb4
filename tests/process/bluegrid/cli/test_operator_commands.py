"""Commands of the operator that run Pulumi or read git."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.operator import TEXT, git, output_of, pulumi_that, refused

if TYPE_CHECKING:
    from pathlib import Path


def test_deleting_with_an_update_allows_that_one_end(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulumi_that(NOTHING_YET + f'echo "$BLUEGRID_ALLOW_DELETE $*" > {tmp_path}/ran', tmp_path, monkeypatch)
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
    assert "line-loading in all regions (north, east): d2 -> d1" in output_of("rollback", "line-loading")
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


NOTHING_YET = """[ "$1" = stack ] && { echo '{"deployment": {}}'; exit; }\n"""
"""A Pulumi whose stack has no resources yet, so that its first update is whole."""


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
    pulumi_that(NOTHING_YET + f'echo "$*" > {tmp_path}/ran', tmp_path, monkeypatch)
    output_of(*command.split(), "--yes", "--up", "--stack", "north")
    assert (tmp_path / "ran").read_text() == "up --yes --stack north\n"
    assert file.read_text() != TEXT


def test_a_service_that_is_added_with_up_is_online(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(TEXT[: TEXT.index("service:")])
    pulumi_that(NOTHING_YET + f'echo "$*" > {tmp_path}/ran', tmp_path, monkeypatch)
    options = ("--set", "g1", "--version", "v1", "--yes", "--up", "--stack", "north")
    assert output_of("service", "add", "loads", *options).startswith("loads: is online in YAML")
    assert (tmp_path / "ran").read_text() == "up --yes --stack north\n"
