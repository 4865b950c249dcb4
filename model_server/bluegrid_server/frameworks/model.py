"""What every loaded model is, whatever its framework."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from bluegrid_server.protocol.tensor_spec import TensorSpec


class Model(Protocol):
    """A loaded model: named arrays in, named arrays out."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What it takes."""

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What it gives."""

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Return the outputs for the inputs, all of their specs' shapes and datatypes; from any thread."""
