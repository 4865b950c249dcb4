"""`bluegrid tour`: what is refused before it begins."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from bluegrid.cli import tour
from bluegrid.cli.main import app

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def refused(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["tour", *arguments])
    assert done.exit_code == 1
    return str(done.exception)


def test_missing_packages_are_refused_with_the_command_that_installs_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(tour, "find_spec", lambda name: None if name == "pandapower" else found(name))
    assert refused() == "the tour needs pandapower: pip install 'bluegrid[tour]'"


def test_a_folder_that_exists_is_never_used(tmp_path: Path) -> None:
    assert refused("--keep", str(tmp_path)) == (
        f"--keep {tmp_path}: cannot be made: File exists; name a new folder"
    )
