"""`preflight`: a Job that proves a version once, before a cluster uses it, by the steps of a starting pod."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import structlog

from bluegrid_registry.counts import counted
from bluegrid_server.frameworks.forks import Running, check_outlives_fork
from bluegrid_server.models.file_pool import FilePool
from bluegrid_server.models.trial import Trials
from bluegrid_server.models.version import AsData, fetch_version
from bluegrid_server.termination import give_up, reason_of

if TYPE_CHECKING:
    from bluegrid_server.settings import Settings


def preflight(settings: Settings) -> int:
    """Fetch, verify and load a version and let each model answer; return the exit code.

    A model answers its recorded example or, without one, rows made from the specs of its inputs.
    """
    began = time.monotonic()
    try:
        say = structlog.get_logger().info
        trials = Trials()
        version = fetch_version(settings, say, AsData.COMPARED)
        before = Running.now()
        pool = FilePool(version, settings, budget=settings.memory, trials=trials)
        examples = pool.load_all(say)
        check_outlives_fork(settings.type, before, gpu=settings.gpu > 0)
        trials.warn()
    # Any failure is the Job's result, and is reported on one line.
    except Exception as error:  # noqa: BLE001
        return give_up(reason_of(error, settings))
    models, reproduced = counted(len(pool), "model"), counted(examples, "recorded example")
    answered = f"{reproduced} reproduced, {counted(trials.answered, 'made row')} answered"
    seconds = time.monotonic() - began
    sys.stdout.write(
        f"{settings.place}: {models} fetched, verified and loaded, {answered}, in {seconds:.1f} s\n"
    )
    return 0
