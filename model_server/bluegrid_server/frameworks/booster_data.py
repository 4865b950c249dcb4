"""Boosters that are read as data: what the readers of XGBoost and LightGBM share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_server.frameworks.features import Numbers
from bluegrid_server.frameworks.not_data import check
from bluegrid_server.frameworks.tree_model import TreeModel
from bluegrid_server.protocol.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bluegrid_server.frameworks.tree_table import TreeTable

_MOST = 1e15
"""Maximum magnitude of splits and leaves: the rows that a compiler makes, and sums, stay within FP32."""
_MOST_OF_EXP = 80.0
"""Maximum magnitude of sums of which exp is the answer, so that answers stay within FP32."""


def numbers_of(values: Any, dtype: Any) -> NDArray[Any]:
    """Return numbers of one kind; raise NotDataError if they would change."""
    array = np.asarray(values)
    kinds = "iu" if np.dtype(dtype).kind == "i" else "fiu"
    check(array.ndim == 1 and (array.dtype.kind in kinds or not array.size), "numbers of another kind")
    return array.astype(dtype)


def booster_of(
    table: TreeTable, largest_sum: float, names: Sequence[str], on_request: Sequence[TensorSpec]
) -> TreeModel:
    """Return the model of a table, whose first output is `y`.

    Args:
        table: of its trees.
        largest_sum: magnitude that no sum exceeds.
        names: of the features, in order; empty if the model has none.
        on_request: specs of the outputs that its framework computes.

    Raises:
        NotDataError: another way of computing is faster, or numbers are so large that a compiler's comparison
            with the framework could fail.
    """
    check(table.is_small, "more nodes than a table answers for")
    check(len(names) in (0, table.inputs) and all(type(name) is str for name in names), "other names")
    check((np.abs(table.bounds) <= _MOST).all() and (np.abs(table.leaves) <= _MOST).all(), "a large number")
    check(table.link != "Exp" or largest_sum <= _MOST_OF_EXP, "a very large sum")
    wide = (table.outputs,) if table.outputs > 1 else ()
    outputs = (TensorSpec("y", (-1, *wide)), *on_request)
    return TreeModel(table, Numbers(table.inputs, names).specs, outputs, None)
