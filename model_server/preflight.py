"""What a pod does before it is ready, once, as a Job: it proves a version before a cluster uses it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import structlog

from model_server.failure import give_up, reason_of
from model_server.pool import Pool
from model_server.startup import fetched

if TYPE_CHECKING:
    from model_server.settings import Settings


def preflight(settings: Settings) -> int:
    """Fetch, verify and load a version and answer its recorded examples; returns the exit code."""
    began = time.monotonic()
    try:
        say = structlog.get_logger().info
        pool = Pool(fetched(settings, say), settings, budget=settings.memory)
        examples = pool.load_all(say)
    # Whatever happens is the Job's answer, and it has to be one line.
    except Exception as error:  # noqa: BLE001
        return give_up(reason_of(error, settings))
    sys.stdout.write(
        f"{settings.place}: {len(pool)} models fetched, verified and loaded, "
        f"{examples} recorded examples reproduced, in {time.monotonic() - began:.1f} s\n"
    )
    return 0
