"""What all tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import settings

from tests.endurance import FULL, Record

if TYPE_CHECKING:
    import pytest

# How long an example takes says how busy the machine is.
settings.register_profile("bluegrid", deadline=None)
settings.load_profile("bluegrid")


def pytest_configure(config: pytest.Config) -> None:
    """Keep the results of a run at full size."""
    if FULL:
        config.pluginmanager.register(Record())
