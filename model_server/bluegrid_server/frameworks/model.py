"""The interface of loaded models of every framework."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from bluegrid_registry.errors import ModelError
from bluegrid_server.frameworks.fallback import Fallback, fallback_of
from bluegrid_server.protocol.tensor_spec import Datatype, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray


class Model(Protocol):
    """A loaded model: named arrays in, named arrays out.

    A model may have two more attributes: `known_values`, by the name of an input or a column values that the
    training knew; and `parameters`, texts for the parameters of its metadata.
    """

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """Specs of the inputs."""

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """Specs of the outputs; of those on request too."""

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Return the outputs that are not on request, or a `Fallback` of them; callable from any thread.

        Args:
            inputs: arrays as the specs say; NaN where a value is missing.
        """


class ModelWithMore(Model, Protocol):
    """A model that has outputs on request."""

    def on_request(
        self, inputs: Mapping[str, NDArray[Any]], names: Collection[str]
    ) -> Mapping[str, NDArray[Any]]:
        """Return the named outputs, all of which are on request, or a `Fallback` of them."""


def outputs_of(
    model: Model, inputs: Mapping[str, NDArray[Any]], names: Collection[str], on_request: Collection[str]
) -> Mapping[str, NDArray[Any]]:
    """Return at least the named outputs of a model; `on_request` are those of them that are on request."""
    if not on_request:
        return model.predict(inputs)
    more = cast("ModelWithMore", model).on_request(inputs, on_request)
    if len(on_request) == len(names):
        return more
    outputs = model.predict(inputs)
    merged = {**outputs, **more}
    fallback = fallback_of(outputs) or fallback_of(more)
    return merged if fallback is None else Fallback(merged, fallback)


def check_interface(model: Model) -> None:
    """Check what a loader returns, as far as the server relies on it: loaders may be of other packages.

    Raises:
        ModelError: the message continues after "model <uid>".
    """
    for side in ("inputs", "outputs"):
        specs = getattr(model, side, None)
        if (
            not isinstance(specs, tuple)
            or not specs
            or not all(isinstance(spec, TensorSpec) for spec in specs)
        ):
            raise _faulty(f"whose {side} are not a tuple of TensorSpec")
        names = [spec.name for spec in specs]
        if len(set(names)) < len(names):
            raise _faulty(f"with two {side} of one name: {', '.join(map(repr, names))}")
        for spec in specs:
            if spec.datatype not in _DATATYPES:
                raise _faulty(f"whose {spec.name!r} is of {spec.datatype!r}, which is not a datatype")
            if not all(type(size) is int and (size > 0 or size == -1) for size in spec.shape):
                raise _faulty(f"whose {spec.name!r} has the shape {spec.shape}; -1 is any size")
    needed = ["predict", *(["on_request"] if any(spec.on_request for spec in model.outputs) else [])]
    for method in needed:
        if not callable(getattr(model, method, None)):
            raise _faulty(f"without the method {method}")


_DATATYPES = frozenset(Datatype)


def _faulty(fault: str) -> ModelError:
    return ModelError(f"is loaded as an object {fault}; fix its loader")
