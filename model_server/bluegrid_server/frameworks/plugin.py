"""What another package says of its framework; `supported.py` finds it by the package's entry point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid_server.frameworks.fallback import check_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from bluegrid_server.frameworks.model import Model

    LoadFunction = Callable[..., Model]


@dataclass(frozen=True)
class FrameworkPlugin:
    """A framework of another package: the value of an entry point in `bluegrid.loaders`.

    The entry point's name is a model type, `"mine/line"`. A function in place of this object is its `load`,
    and all else is as it is by default.

    The server imports the module of the entry point before it forks its workers. So a framework that starts
    threads on import is to be imported in `load`.

    Attributes:
        load: loads one model: `load(path, trust)` with the model's file or folder, and the names that the set
            trusts: the `trusted` names of the `ModelType` and the set's `trust`. Raises
            `bluegrid_registry.ModelError`, whose message continues after "model <uid>".
        outlives_fork: whether loaded models also answer in processes that are forked afterwards, because
            neither loading nor predicting starts threads or child processes. Models are then loaded once for
            all workers, and a worker that was ended is replaced within milliseconds; otherwise each worker
            loads them itself.
        on_gpu: whether models compute on a GPU if the pod has one; `load` then gets `gpu=True`.
        has_signatures: whether a model has several signatures, of which a set chooses one by `signature`;
            `load` then gets `signature="…"` if the set has chosen.
        fallbacks: names of the fallback models whose outputs models may return as a `Fallback`. Each has a
            series of the metric `model_infer_fallbacks_total`; names that are not here share one.

    Raises:
        ValueError: a fallback model cannot have such a name.
    """

    load: LoadFunction
    outlives_fork: bool = False
    on_gpu: bool = False
    has_signatures: bool = False
    fallbacks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.fallbacks:
            check_name(name)
