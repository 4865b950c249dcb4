"""The tour ends with an error where a step has another result than it should have."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bluegrid.tour.line_loading.training import Fit, TrainingReport
from bluegrid.tour.scenario import Tour
from bluegrid_registry import BluegridError

if TYPE_CHECKING:
    from collections.abc import Callable


class Shown:
    """A screen that keeps what is shown."""

    def __init__(self) -> None:
        self.commands: list[str] = []

    def title(self, text: str) -> None:
        """Show nothing."""

    line = progress = title

    def command(self, text: str) -> None:
        """Keep a command."""
        self.commands.append(text)


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training of no models: no step of these tests loads one."""

    def train(folder: Path, progress: Callable[[str, int, int], None]) -> TrainingReport:
        folder.mkdir()
        progress("power flows", 1, 1)
        return TrainingReport((Fit("v1", 0, 1.0, 1.0, 1.0, 0.0, 0.0),), 0.0)

    monkeypatch.setattr("bluegrid.tour.line_loading.training.train", train)


@pytest.mark.usefixtures("untrained")
def test_a_command_with_another_exit_code_ends_the_tour(tmp_path: Path) -> None:
    seen = []

    def bluegrid(arguments: list[str]) -> int:
        seen.append((arguments[0], Path.cwd(), os.environ["BLUEGRID_STORE"]))
        return 1 if arguments[0] == "verify" else 0

    before, screen = Path.cwd(), Shown()
    with pytest.raises(BluegridError, match="`bluegrid verify g1` ended with 1, not with 0; see above"):
        Tour(tmp_path, bluegrid, screen).run()
    assert [name for name, _, _ in seen] == ["set", "push", "push", "push", "push", "verify"]
    assert {(folder, store) for _, folder, store in seen} == {(tmp_path, (tmp_path / "store").as_uri())}
    assert "bluegrid push models/v3 --set g1 --version v3 --base v2" in screen.commands
    assert Path.cwd() == before


@pytest.mark.usefixtures("untrained")
def test_settings_of_the_user_are_left_out_and_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLUEGRID_REGISTRY", "/elsewhere")
    monkeypatch.delenv("BLUEGRID_STORE", raising=False)
    found = []

    def bluegrid(arguments: list[str]) -> int:
        found.append(os.environ.get("BLUEGRID_REGISTRY"))
        return 1

    with pytest.raises(BluegridError):
        Tour(tmp_path, bluegrid, Shown()).run()
    assert found == [None]
    assert os.environ["BLUEGRID_REGISTRY"] == "/elsewhere"
    assert "BLUEGRID_STORE" not in os.environ
