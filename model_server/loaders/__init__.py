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
from typing import TYPE_CHECKING, Protocol, cast

from model_registry.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
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
    """A loaded model: rows of numbers in, one number a row out."""

    @property
    def input(self) -> TensorSpec:
        """What it takes: rows of features."""

    @property
    def output(self) -> TensorSpec:
        """What it gives: a number a row."""

    def predict(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Predict for `rows` (n, k); returns (n,). Called from several threads."""


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
