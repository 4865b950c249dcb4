"""A model computes on a GPU where the pod has one and its framework was built for it, else on the CPU.

Its answers are the same either way. So a GPU that cannot be used slows a pod down and does not stop it, and
the log says so.
"""

from __future__ import annotations

from functools import cache

import structlog


@cache
def not_used(framework: str, reason: str) -> None:
    """Say, once a process, that models compute on the CPU although the cluster has a GPU."""
    structlog.get_logger().warning("no GPU is used", framework=framework, reason=reason)
