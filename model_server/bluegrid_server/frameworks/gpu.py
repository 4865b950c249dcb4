"""GPUs: a model computes on a GPU if the pod has one and the framework supports it, otherwise on the CPU.

The answers are the same on both. So a GPU that cannot be used slows a pod down but does not stop the pod, and
the log has a warning.
"""

from __future__ import annotations

from functools import cache

import structlog


@cache
def not_used(framework: str, reason: str) -> None:
    """Warn, once a process, that models compute on the CPU although the pod has a GPU."""
    structlog.get_logger().warning("no GPU is used", framework=framework, reason=reason)
