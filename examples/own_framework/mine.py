"""A framework of your own: a model is a line of text; `line 41.7 0.5 -2` is 41.7 + 0.5 a - 2 b."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_registry import ModelError, ModelType
from bluegrid_server.frameworks import FrameworkPlugin, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray


def _fault(data: bytes) -> str | None:
    return None if data.startswith(b"line ") else "does not begin with `line`"


TYPE = ModelType("mine", "line", "a line of coefficients", _fault)
"""A row of the table of model types: `mine/line`, recognised by its first bytes; loading runs no code."""


class Line:
    """A model in memory, as a pod calls it."""

    def __init__(self, intercept: float, *coefficients: float) -> None:
        self._intercept, self._coefficients = intercept, np.array(coefficients)
        self.inputs = (TensorSpec("x", (-1, len(coefficients))),)
        self.outputs = (TensorSpec("y", (-1,)),)

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Predict for `x` (n, k); returns `y` (n,)."""
        return {"y": inputs["x"] @ self._coefficients + self._intercept}


def load(path: Path, trust: Iterable[str] = ()) -> Line:  # noqa: ARG001 - nothing in it runs code
    """Load a line; ModelError if the file is not one."""
    try:
        return Line(*map(float, path.read_text().split()[1:]))
    except (TypeError, ValueError) as error:
        raise ModelError(f"is no line of coefficients: {error}") from None


PLUGIN = FrameworkPlugin(load, outlives_fork=True)
"""What the server knows of it: nothing here has threads, so a pod loads each model once for all workers."""
