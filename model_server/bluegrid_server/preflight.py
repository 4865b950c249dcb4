"""What a pod does before it is ready, once, as a Job: it proves a version before a cluster uses it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import structlog

from bluegrid_server.models.file_pool import FilePool
from bluegrid_server.models.trial import Trials
from bluegrid_server.models.version import fetch_version
from bluegrid_server.termination import give_up, reason_of

if TYPE_CHECKING:
    from bluegrid_server.settings import Settings


def preflight(settings: Settings) -> int:
    """Fetch, verify and load a version and let each model answer; returns the exit code.

    A model answers its recorded example, or rows that are made from what it takes.
    """
    began = time.monotonic()
    try:
        say = structlog.get_logger().info
        trials = Trials()
        pool = FilePool(fetch_version(settings, say), settings, budget=settings.memory, trials=trials)
        examples = pool.load_all(say)
        trials.warn()
    # Whatever happens is the Job's answer, and it has to be one line.
    except Exception as error:  # noqa: BLE001
        return give_up(reason_of(error, settings))
    answered = f"{examples} recorded examples reproduced, {trials.answered} made rows answered"
    seconds = time.monotonic() - began
    sys.stdout.write(
        f"{settings.place}: {len(pool)} models fetched, verified and loaded, {answered}, in {seconds:.1f} s\n"
    )
    return 0
