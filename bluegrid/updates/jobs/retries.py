"""How long a job waits before it is tried again, because git, the store or Kubernetes did not answer."""

from __future__ import annotations

FIRST_WAIT_SECONDS = 2.0
"""The wait after the first try; it doubles with each one."""
LONGEST_WAIT_SECONDS = 60.0


def wait_seconds(tries: int) -> float:
    """Return how long a job waits after so many tries, in seconds."""
    return min(FIRST_WAIT_SECONDS * 2.0 ** min(tries - 1, 10), LONGEST_WAIT_SECONDS)
