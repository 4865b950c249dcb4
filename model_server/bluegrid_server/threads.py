"""One compute thread a process: a pod has a worker for each core, and workers are forked with the models.

Threads do not outlive a fork: if OpenMP has used several threads in a process, a process forked from it waits
for these threads for ever (https://gcc.gnu.org/bugzilla/show_bug.cgi?id=58378).
"""

from __future__ import annotations

import os

_VARIABLES = ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS")
"""Variables that libraries read when they are loaded. The limit also holds for a model's own number of
threads; with the limit alone, scikit-learn would still divide its work by `OMP_NUM_THREADS`."""


def compute_in_one_thread() -> None:
    """Let this process, and processes forked from it, compute in the calling thread.

    Call it before any library that computes is imported, NumPy included.
    """
    os.environ.update(dict.fromkeys(_VARIABLES, "1"))


def computes_in_one_thread() -> bool:
    """Return whether `compute_in_one_thread` was called in this process or in one that it was forked from."""
    return all(os.environ.get(name) == "1" for name in _VARIABLES)
