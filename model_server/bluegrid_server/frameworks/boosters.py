"""Shared by the loaders of gradient-boosted trees: rows of features in, one or several values a row out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_server.protocol.tensor_spec import TensorSpec
from bluegrid_server.protocol.tensors import datatype_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from numpy.typing import NDArray

    from bluegrid_server.frameworks.features import Features

    Compute = Callable[[NDArray[Any]], Any]
    """From rows (n, k) to an output (n,) or (n, m)."""


@dataclass(frozen=True)
class Output:
    """An output of a booster.

    Attributes:
        compute: from rows (n, k) to the output, (n,) or (n, m).
        classes: labels along the last axis; empty: none, or the file does not name them.
    """

    compute: Compute
    classes: tuple[str | int | float | bool, ...] = ()


class BoosterModel:
    """A booster of any framework.

    Args:
        booster: the framework's object.
        features: of a row.
        predict: computes the output `y`: (n,) or, with several targets or classes, (n, m).
        on_request: outputs on request, by name.
    """

    def __init__(
        self, booster: Any, features: Features, predict: Compute, on_request: Mapping[str, Output]
    ) -> None:
        self.booster = booster
        self._features = features
        self._predict = predict
        self._on_request = on_request
        self.inputs = features.specs
        self.known_values = features.known_values
        self.outputs = (
            _spec("y", Output(predict), features.example),
            *(_spec(name, each, features.example, on_request=True) for name, each in on_request.items()),
        )

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Predict for `x` (n, k), or for columns (n, 1); return `y` (n,) or (n, m)."""
        return {"y": _wide(self._predict(self._features.rows(inputs)))}

    def on_request(
        self, inputs: Mapping[str, NDArray[Any]], names: Collection[str]
    ) -> dict[str, NDArray[Any]]:
        """Return the named outputs, each (n,) or (n, m)."""
        rows = self._features.rows(inputs)
        return {name: _wide(self._on_request[name].compute(rows)) for name in names}


def of_two_classes(probability: NDArray[Any]) -> NDArray[Any]:
    """Return the probabilities of both classes (n, 2) from those of the second class (n,)."""
    return np.column_stack([1 - probability, probability])


def _spec(name: str, output: Output, example: NDArray[Any], *, on_request: bool = False) -> TensorSpec:
    answer = _wide(output.compute(example))
    shape = (-1, *answer.shape[1:])
    return TensorSpec(name, shape, datatype_of(answer), classes=output.classes, on_request=on_request)


def _wide(output: Any) -> NDArray[Any]:
    """Return numbers in FP64, which holds those of every framework; labels stay as they are."""
    array = np.asarray(output)
    return array.astype(np.float64, copy=False) if array.dtype.kind == "f" else array
