"""Work on many models in several processes, which have what this process has imported and loaded."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any, TypeVar

from bluegrid_registry import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_Outcome = TypeVar("_Outcome")


def in_processes(
    work: Callable[[str], _Outcome],
    model_ids: Sequence[str],
    processes: int,
    begin: Callable[..., None],
    *arguments: Any,
) -> Iterator[_Outcome]:
    """Yield the outcome for each model, in order.

    Args:
        work: is called with the ID of a model.
        model_ids: the models, at least one.
        processes: how many work at a time.
        begin: is called in each process first.
        arguments: of `begin`; processes share them with this one.

    Raises:
        ConfigError: a process was ended, such as for its memory.
    """
    # Forked: OpenSTEF takes seconds to import, and the arguments are in memory once. All are started at once.
    context = multiprocessing.get_context("fork")
    try:
        with ProcessPoolExecutor(min(processes, len(model_ids)), context, begin, arguments) as pool:
            yield from pool.map(work, model_ids)
    except BrokenProcessPool:
        raise ConfigError(
            "one of the processes was ended; is there enough memory? try fewer --processes"
        ) from None


def line_of(error: Exception) -> str:
    """Return an exception as a line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
