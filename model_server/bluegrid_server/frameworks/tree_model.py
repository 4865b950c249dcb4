"""A model that a table of trees answers for, without its framework."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from bluegrid_server.errors import ElsewhereError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from bluegrid_server.frameworks.model import Model, ModelWithMore
    from bluegrid_server.frameworks.tree_table import TreeTable
    from bluegrid_server.protocol.tensor_spec import TensorSpec


class TreeModel:
    """A model with one table as its input, and trees.

    Args:
        table: computes the first output.
        inputs: specs of the inputs.
        outputs: specs of the outputs.
        original: answers for unusual values, for inputs of another shape, and with outputs on request; None:
            another process has it.

    Attributes:
        table: as given.
        inputs: as given.
        outputs: as given.
    """

    __slots__ = ("_name", "_original", "_output", "_shape", "inputs", "outputs", "table")

    def __init__(
        self,
        table: TreeTable,
        inputs: tuple[TensorSpec, ...],
        outputs: tuple[TensorSpec, ...],
        original: Model | None,
    ) -> None:
        self.table, self.inputs, self.outputs = table, inputs, outputs
        (spec,), (output, *_) = inputs, outputs
        self._name, self._output = spec.name, output.name
        self._shape = (-1, *output.shape[1:])
        self._original = original

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Predict; raise ElsewhereError if only the original can answer, and another process has it."""
        x = inputs[self._name]
        if x.ndim == 2 and len(x) and x.shape[1] == self.table.inputs:
            y, is_answered = self.compute(x)
            if is_answered:
                return {self._output: y}
        return self._elsewhere().predict(inputs)

    def on_request(
        self, inputs: Mapping[str, NDArray[Any]], names: Collection[str]
    ) -> Mapping[str, NDArray[Any]]:
        """Return outputs on request, which the original computes."""
        return cast("ModelWithMore", self._elsewhere()).on_request(inputs, names)

    def compute(self, x: NDArray[Any]) -> tuple[NDArray[Any], bool]:
        """Return the table's answer, and whether there is one: otherwise it is empty."""
        y = self.table.compute(x)
        return (np.empty(0), False) if y is None else (y.reshape(self._shape), True)

    def _elsewhere(self) -> Model:
        if self._original is None:
            raise ElsewhereError("only the model's framework can answer this, and another process has it")
        return self._original
