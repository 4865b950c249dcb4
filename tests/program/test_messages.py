"""Messages from the program to the engine, apart from registrations."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tests.program.recorder import ENGINE, run_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    Write = Callable[..., Path]

REGISTERED = "resource registration successful: ty=kubernetes:"


def test_no_call_to_the_engine_is_for_debugging(
    registry: Write, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG, ENGINE.name)
    run_program(registry())
    assert REGISTERED not in caplog.text
    monkeypatch.setenv("BLUEGRID_DEBUG", "1")
    run_program(registry())
    assert REGISTERED in caplog.text
