"""Pulumi's environment and options for an update of named targets."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from bluegrid.project import Target, find_stack, up
from bluegrid.promotion.rehearsal import rehearse
from bluegrid_registry import BluegridError
from tests.support.operator import file as file
from tests.support.operator import pulumi_that

if TYPE_CHECKING:
    from pathlib import Path


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
    up(target, "north", tmp_path / "north.yaml")
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
