"""Hooks that all tests share."""

from __future__ import annotations

import signal
import tempfile
from typing import TYPE_CHECKING, Any

# Before pulumi is imported: it imports dill, after which joblib writes files that only dill can read.
import joblib  # noqa: F401
import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.support.endurance import FULL, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xdist.workermanage import WorkerController  # type: ignore[import-untyped]

# The time of an example depends on how busy the machine is.
settings.register_profile("bluegrid", deadline=None)
settings.load_profile("bluegrid")

CLUSTER = "tests/cluster/"
MEASURED = "measured"
"""Of the demo, which sends 420 requests a second: nothing else runs then."""
SHARED = {
    MEASURED: ("test_demo",),
    "trouble": (
        "test_deletes",
        "test_endurance_switches",
        "test_faults_of_clusters",
        "test_faults_of_updates",
        "test_previews",
        "test_standing_routes",
    ),
}
"""Files of `tests/cluster` that share what takes minutes to make: a fixture of the session."""
HELD_BACK = 2
"""Number of tests that a process may still have when xdist gives it more."""


def pytest_configure(config: pytest.Config) -> None:
    """Keep the results of a run at full size; let what the tests start be interrupted."""
    # A shell that runs the tests in the background ignores SIGINT, and children would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if FULL:
        config.pluginmanager.register(Record())


@pytest.fixture(scope="session", autouse=True)
def temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let programs leave files where pytest removes them: Pulumi's provider leaves a kubeconfig a run."""
    # This process keeps the folder that it has: multiprocessing removes its own there after pytest.
    tempfile.gettempdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("tmp", numbered=False)))
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of a real node last, so that other failures are known first, and measure after all."""
    items.sort(key=lambda item: (item.nodeid.startswith(CLUSTER), scope_of(item.nodeid) == MEASURED))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """Give each process whole files: `-n 2 --dist loadfile --no-loadscope-reorder`.

    A process that gets a file of `tests/cluster` makes a node of its own. xdist's own `loadgroup` does not
    group under pytest 9.2: it uses an attribute that test items no longer have.
    """
    return ByFile(config, log) if config.getoption("dist") == "loadfile" else None


def scope_of(nodeid: str) -> str:
    """Return what a test stays together with, in one process: its file, or files that share more."""
    file = nodeid.partition("::")[0]
    name = file.removeprefix(CLUSTER).removesuffix(".py")
    return next((shared for shared, files in SHARED.items() if name in files), file)


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Keeps a file's tests in one process, since its fixtures are made once, and measures in the last one."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)

    def _reschedule(self, node: WorkerController) -> None:
        others = [other for other in self.nodes if other is not node and not other.shutting_down]
        is_idle = self._pending_of(self.assigned_work[node]) <= HELD_BACK
        if [*self.workqueue] == [MEASURED] and others and is_idle:
            node.shutdown()
        else:
            super()._reschedule(node)
