"""One thread a process: a pod has a worker for each of its cores, and models are forked with their memory.

Threads do not outlive a fork: what OpenMP has computed with several threads in one process waits for them
for ever in those that are forked from it (https://gcc.gnu.org/bugzilla/show_bug.cgi?id=58378).
"""

from __future__ import annotations

import os

_ONE = ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS")
"""Variables that libraries read when they are loaded. The limit holds for a model's own number of threads
too; with it alone, scikit-learn would still divide its work among as many as `OMP_NUM_THREADS` says."""


def compute_in_one_thread() -> None:
    """Let this process, and those forked from it, compute in the thread that asks.

    Called before what computes is imported, NumPy too.
    """
    os.environ.update(dict.fromkeys(_ONE, "1"))
