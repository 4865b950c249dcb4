"""One module a framework; a set's model type chooses it.

A loader's module is imported when it is chosen, because a framework takes seconds to import and the server
answers probes before that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from model_registry.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from model_registry.model_types.model_type import ModelType

_LOADERS = {
    "scikit-learn/skops": "model_server.loaders.scikit_learn_skops",
    "scikit-learn/joblib": "model_server.loaders.scikit_learn_pickle",
    "scikit-learn/pickle": "model_server.loaders.scikit_learn_pickle",
}


@dataclass(frozen=True)
class TensorSpec:
    """A model's input or output, as the Open Inference Protocol describes it; -1 is any size."""

    name: str
    shape: tuple[int, ...]
    datatype: str = "FP64"


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


Loader = Callable[[Path], Model]
"""Loads one file; raises ModelError, whose message goes on after "model <uid>"."""


def loader_of(model_type: ModelType, trust: Iterable[str] = ()) -> Loader:
    """The loader of a model type.

    Args:
        model_type: the set's type.
        trust: what the set trusts: types of skops, globals of pickles.

    Raises:
        ConfigError: this image has none.
    """
    module = _LOADERS.get(str(model_type))
    if module is None:
        raise ConfigError(
            f"BLUEGRID_TYPE: this image cannot load {model_type}; it loads {', '.join(sorted(_LOADERS))}"
        )
    return cast("Loader", partial(import_module(module).load, trust=tuple(trust)))
