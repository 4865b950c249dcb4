"""What all tests share."""

from __future__ import annotations

import signal
from typing import Any

# Before pulumi is imported: that imports dill, and joblib would write from then on what only dill can read.
import joblib  # noqa: F401
import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.support.endurance import FULL, Record

# How long an example takes says how busy the machine is.
settings.register_profile("bluegrid", deadline=None)
settings.load_profile("bluegrid")

CLUSTER = "tests/cluster/"


def pytest_configure(config: pytest.Config) -> None:
    """Keep the results of a run at full size; let what the tests start be interrupted."""
    # A shell that runs the tests in the background ignores interrupts, and children would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if FULL:
        config.pluginmanager.register(Record())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of a real node last, so that other failures are known before."""
    items.sort(key=lambda item: item.nodeid.startswith(CLUSTER))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """Give each process whole files, and one of them the node: `-n 2 --dist loadfile --no-loadscope-reorder`.

    What is measured on the node is measured once the other process has come to its end. xdist's own way,
    `loadgroup`, does not group under pytest 9.2: it names tests by an attribute that items have no more.
    """
    return ByFile(config, log) if config.getoption("dist") == "loadfile" else None


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Keeps a file's tests in one process, as its fixtures are made once, and so all tests of the node."""

    def _split_scope(self, nodeid: str) -> str:
        return CLUSTER if nodeid.startswith(CLUSTER) else nodeid.partition("::")[0]
