"""What a forecast costs: its CPU time, and the share of it that each library takes."""

from __future__ import annotations

import cProfile
import pstats
import time
from typing import TYPE_CHECKING, Any

from examples.openstef.training import predicted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from openstef_models.models.forecasting_model import ForecastingModel

    from benchmarks.openstef.inside.pipelines import Fitted

LIBRARIES = ("pandas", "xgboost", "lightgbm")


def cpu_seconds(
    models: Mapping[str, ForecastingModel], targets: Mapping[str, Fitted], count: int
) -> list[float]:
    """Return the CPU time of each of `count` forecasts, of the targets in turn."""
    uids = list(targets)
    found = []
    for number in range(count):
        uid = uids[number % len(uids)]
        started = time.process_time()
        predicted(models[uid], targets[uid].recent)
        found.append(time.process_time() - started)
    return found


def shares(models: Mapping[str, ForecastingModel], targets: Mapping[str, Fitted]) -> dict[str, float]:
    """Return the share of the time of a forecast of each target within each library and what it calls."""
    profile = cProfile.Profile()
    for uid, target in targets.items():
        profile.enable()
        predicted(models[uid], target.recent)
        profile.disable()
    # Its attributes are known to its own module alone.
    stats: Any = pstats.Stats(profile)
    return {library: _within(library, stats) / stats.total_tt for library in LIBRARIES}


def _within(library: str, stats: Any) -> float:
    """Return the seconds of calls from outside into a library."""
    seconds = 0.0
    for (file, _, _), (*_, callers) in stats.stats.items():
        if _is_of(library, file):
            # Of each caller: calls, without recursion, own time, time with what was called.
            seconds += sum(
                times[3] for (caller, _, _), times in callers.items() if not _is_of(library, caller)
            )
    return seconds


def _is_of(library: str, file: str) -> bool:
    return f"/site-packages/{library}/" in file
