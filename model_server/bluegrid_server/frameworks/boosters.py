"""Shared by the loaders of gradient-boosted trees: rows of features in, one or several numbers a row out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_server.protocol.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray


class BoosterModel:
    """A booster of any framework.

    Args:
        booster: the framework's object.
        features: number of features of a row.
        predict: from rows (n, k) to answers (n,) or, with several classes, (n, m).
        names: of the features, in order; empty if the booster was trained without names.
    """

    def __init__(
        self,
        booster: Any,
        features: int,
        predict: Callable[[NDArray[Any]], Any],
        names: Iterable[str] = (),
    ) -> None:
        self.booster = booster
        self._predict = predict
        self.inputs = (TensorSpec("x", (-1, features), columns=tuple(names)),)
        answers = np.asarray(predict(np.zeros((1, features))))
        self.outputs = (TensorSpec("y", (-1, *answers.shape[1:])),)

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Predict for `x` (n, k); return `y` (n,) or (n, m)."""
        return {"y": np.asarray(self._predict(inputs["x"]), dtype=np.float64)}
