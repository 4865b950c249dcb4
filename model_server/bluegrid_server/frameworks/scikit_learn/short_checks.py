"""Shorter ways through scikit-learn's checks, which take longer than many models compute.

What is skipped has a known result in a server, so that answers and errors are the same. The names are private
parts of scikit-learn: a release without them only takes the longer way.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import parallel, validation

from bluegrid_server.threads import computes_in_one_thread

if TYPE_CHECKING:
    from collections.abc import Callable


def shorten_checks() -> None:
    """Shorten the checks in this process, and in those that are forked from it."""
    _take_arrays_for_arrays()
    if computes_in_one_thread():
        _leave_thread_pools_alone()


def _take_arrays_for_arrays() -> None:
    """Do not search arrays of NumPy for the attributes of tables and their columns, three times a prediction.

    That took a third of the time of a search for neighbours: 41 of 123 us.
    """
    tables = getattr(getattr(validation, "nw", None), "dependencies", None)
    for name in ("is_into_dataframe", "is_into_series"):
        if (is_table := getattr(tables, name, None)) is not None:
            setattr(tables, name, _false_for_arrays(is_table))


def _false_for_arrays(is_table: Callable[[Any], bool]) -> Callable[[Any], bool]:
    @wraps(is_table)
    def checked(value: Any) -> bool:
        return type(value) is not np.ndarray and is_table(value)

    return checked


def _leave_thread_pools_alone() -> None:
    """Do not limit the threads of BLAS around a search for neighbours, and lift the limit again.

    They are one in any case. That took a tenth of the time.
    """
    controller = getattr(parallel, "_get_threadpool_controller", None)
    if controller is not None:
        controller().lib_controllers.clear()
