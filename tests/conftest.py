"""What all tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.endurance import FULL, Record

if TYPE_CHECKING:
    import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Keep the results of a run at full size."""
    if FULL:
        config.pluginmanager.register(Record())
