"""What all tests share."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

# Before pulumi is imported: that imports dill, and joblib would write from then on what only dill can read.
import joblib  # noqa: F401
from hypothesis import settings

from tests.endurance import FULL, Record

if TYPE_CHECKING:
    import pytest

# How long an example takes says how busy the machine is.
settings.register_profile("bluegrid", deadline=None)
settings.load_profile("bluegrid")


def pytest_configure(config: pytest.Config) -> None:
    """Keep the results of a run at full size; let what the tests start be interrupted."""
    # A shell that runs the tests in the background ignores interrupts, and children would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if FULL:
        config.pluginmanager.register(Record())
