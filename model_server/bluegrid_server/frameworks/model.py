"""The interface of loaded models of every framework."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from bluegrid_server.protocol.tensor_spec import TensorSpec


class Model(Protocol):
    """A loaded model: named arrays in, named arrays out."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """Specs of the inputs."""

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """Specs of the outputs; of those on request too."""

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Return the outputs that are not on request; callable from any thread.

        Args:
            inputs: arrays as the specs say; NaN where a value is missing.
        """


class ModelWithMore(Model, Protocol):
    """A model that has outputs on request."""

    def on_request(
        self, inputs: Mapping[str, NDArray[Any]], names: Collection[str]
    ) -> Mapping[str, NDArray[Any]]:
        """Return the named outputs, all of which are on request."""
