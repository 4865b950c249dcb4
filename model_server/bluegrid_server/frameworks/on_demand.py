"""A framework that is imported, and its models that are loaded, when they are first needed."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from bluegrid_server.frameworks.model import Model, ModelWithMore
    from bluegrid_server.frameworks.supported import Loader
    from bluegrid_server.protocol.tensor_spec import TensorSpec


class LoaderOnDemand:
    """The loader of a framework that is imported when the first model is loaded: imports take seconds.

    Args:
        make: imports the framework and returns its loader.
    """

    def __init__(self, make: Callable[[], Loader]) -> None:
        self._make = make

    @cached_property
    def _loader(self) -> Loader:
        return self._make()

    @property
    def is_imported(self) -> bool:
        """Whether the framework is imported."""
        return "_loader" in self.__dict__

    def prepare(self) -> None:
        """Import the framework now."""
        self._loader  # noqa: B018 - made when it is first read

    def __call__(self, path: Path) -> Model:
        """Load a model; raise as the loader does."""
        return self._loader(path)


class ModelOnDemand:
    """A model that its framework loads for the first request that only the framework can answer.

    Args:
        load: loads the model.
        inputs: specs of its inputs.
        outputs: specs of its outputs.

    Attributes:
        inputs: as given.
        outputs: as given.
    """

    def __init__(
        self,
        load: Callable[[], Model],
        inputs: tuple[TensorSpec, ...],
        outputs: tuple[TensorSpec, ...],
    ) -> None:
        self.inputs, self.outputs = inputs, outputs
        self._load = load

    @cached_property
    def _model(self) -> Model:
        return self._load()

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Return the outputs that are not on request."""
        return self._model.predict(inputs)

    def on_request(
        self, inputs: Mapping[str, NDArray[Any]], names: Collection[str]
    ) -> Mapping[str, NDArray[Any]]:
        """Return the named outputs, all of which are on request."""
        return cast("ModelWithMore", self._model).on_request(inputs, names)
