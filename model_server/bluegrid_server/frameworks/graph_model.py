"""A model that ONNX Runtime answers for, with a graph that a compiler has made of the model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from bluegrid_server.frameworks.compiled import CHECK
from bluegrid_server.frameworks.onnx.load import session_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from bluegrid_server.frameworks.model import Model, ModelWithMore

_MAX_FP32 = float(np.finfo(np.float32).max)


class GraphModel:
    """A model with one table as its input, computed by a session of ONNX Runtime."""

    def __init__(self, original: Model, graph: bytes) -> None:
        self._original = original
        self.inputs, self.outputs = original.inputs, original.outputs
        (self._input,), (self._output, *_) = original.inputs, original.outputs
        self._shape = (-1, *self._output.shape[1:])
        # Not optimized: with so few operators there is nothing to gain, and it takes time and memory.
        self._session = session_of(graph, optimized=False)
        answer, *others = (output.name for output in self._session.get_outputs())
        self._output_names = [answer, *(name for name in others if name == CHECK)]

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Predict; the original model answers for unusual values and for inputs of another shape."""
        x = inputs[self._input.name]
        if x.ndim == 2 and len(x) and x.shape[1] == self._input.shape[1] and (np.abs(x) <= _MAX_FP32).all():
            y, is_sound = self.compute(x)
            if is_sound:
                return {self._output.name: y}
        return self._original.predict(inputs)

    def on_request(
        self, inputs: Mapping[str, NDArray[Any]], names: Collection[str]
    ) -> Mapping[str, NDArray[Any]]:
        """Return outputs on request, which the original model computes."""
        return cast("ModelWithMore", self._original).on_request(inputs, names)

    def compute(self, x: NDArray[Any]) -> tuple[NDArray[Any], bool]:
        """Return the graph's answer, and whether all values that it computed are finite."""
        y, *check = self._session.run(self._output_names, {"x": x})
        return y.reshape(self._shape), all(map(math.isfinite, check))
