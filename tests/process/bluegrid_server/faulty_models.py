"""Models with faults: in loading, or in a prediction as its first input number chooses."""

from __future__ import annotations

import faulthandler
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A fault has no number of the made rows that a server tries models with.
SOUND, LOOPS, ABORTS, EATS, WAITS, TELLS_ITS_GPU = 0.0, 11.0, 12.0, 13.0, 14.0, 15.0


def _abort() -> None:
    # A worker has inherited pytest's handler, which would print all of its threads into the tests' output.
    faulthandler.disable()
    os.abort()


class FaultyModel(BaseEstimator):  # type: ignore[misc]
    """Returns the sum of a row, unless the first number of the first row chooses a fault."""

    def __init__(self) -> None:
        self.n_features_in_ = 2

    def predict(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Predict for rows of two numbers."""
        what = rows[0, 0]
        while what == LOOPS:
            pass
        if what == ABORTS:
            _abort()
        if what == EATS:
            np.ones(2**31)
        if what == WAITS:
            time.sleep(0.3)
        if what == TELLS_ITS_GPU:
            return np.array([float(os.environ["CUDA_VISIBLE_DEVICES"])])
        total: NDArray[Any] = rows.sum(axis=1)
        return total


class NeverLoaded(BaseEstimator):  # type: ignore[misc]
    """Ends the process that loads it."""

    def __setstate__(self, state: object) -> None:
        _abort()


class TellsItsLoads(FaultyModel):
    """Writes a line into a file whenever it is loaded."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self.file = file

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        with Path(self.file).open("a") as loads:
            loads.write("loaded\n")
