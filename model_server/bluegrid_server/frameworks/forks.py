"""A check of plug-ins whose models outlive a fork: they start nothing that a fork leaves behind."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bluegrid_registry.errors import ConfigError
from bluegrid_server.frameworks.supported import is_plugin, outlives_fork

if TYPE_CHECKING:
    from bluegrid_registry.model_types.model_type import ModelType

_THREADS = Path("/proc/self/task")
"""A folder for each thread of this process, named by its ID (proc(5)); no other system than Linux has it."""


@dataclass(frozen=True)
class Running:
    """What this process has that a fork of it has not.

    Attributes:
        threads: IDs of its threads; a fork has the calling thread alone.
        children: IDs of its child processes, as far as the kernel shows them.
    """

    threads: frozenset[str]
    children: frozenset[str]

    @classmethod
    def now(cls) -> Running:
        """Return what this process has now; nothing if the system does not show it."""
        threads, children = set(), set()
        # A thread may end meanwhile.
        with suppress(OSError):
            for thread in _THREADS.iterdir():
                threads.add(thread.name)
                with suppress(OSError):
                    children.update((thread / "children").read_text().split())
        return cls(frozenset(threads), frozenset(children))


def check_outlives_fork(model_type: ModelType, before: Running, *, gpu: bool = False) -> None:
    """Check that a plug-in has started nothing by loading models and having them answer.

    Args:
        model_type: of the models.
        before: what this process had before.
        gpu: whether the pod has a GPU, on which models do not outlive a fork.

    Raises:
        ConfigError: it has, and says that its models outlive a fork: in workers, which are forked with these
            models, requests could wait for ever for a thread that is not there.
    """
    if not is_plugin(model_type) or not outlives_fork(model_type, gpu=gpu):
        return
    now = Running.now()
    threads, children = len(now.threads - before.threads), len(now.children - before.children)
    if threads or children:
        raise ConfigError(
            f"BLUEGRID_TYPE: the plug-in of {model_type} says outlives_fork=True, but its models have "
            f"started what forked workers do not have: threads: {threads}, child processes: {children}; "
            "leave outlives_fork out, or keep its libraries from starting them"
        )
