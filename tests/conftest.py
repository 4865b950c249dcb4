"""Hooks that all tests share."""

from __future__ import annotations

import signal
from typing import Any

# Before pulumi is imported: it imports dill, after which joblib writes files that only dill can read.
import joblib  # noqa: F401
import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.support.endurance import FULL, Record

# The time of an example depends on how busy the machine is.
settings.register_profile("bluegrid", deadline=None)
settings.load_profile("bluegrid")

CLUSTER = "tests/cluster/"


def pytest_configure(config: pytest.Config) -> None:
    """Keep the results of a run at full size; let what the tests start be interrupted."""
    # A shell that runs the tests in the background ignores SIGINT, and children would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if FULL:
        config.pluginmanager.register(Record())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of a real node last, so that other failures are known first."""
    items.sort(key=lambda item: item.nodeid.startswith(CLUSTER))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """Give each process whole files, and one of them the node: `-n 2 --dist loadfile --no-loadscope-reorder`.

    Measurements on the node begin once the other process has ended. xdist's own `loadgroup` does not group
    under pytest 9.2: it uses an attribute that test items no longer have.
    """
    return ByFile(config, log) if config.getoption("dist") == "loadfile" else None


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Keeps a file's tests in one process, since its fixtures are made once; also all tests of the node."""

    def _split_scope(self, nodeid: str) -> str:
        return CLUSTER if nodeid.startswith(CLUSTER) else nodeid.partition("::")[0]
