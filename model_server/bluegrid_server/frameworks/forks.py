"""A check of plug-ins whose models outlive a fork: they start nothing that a fork leaves behind."""

from __future__ import annotations

import time
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

_ENDING_SECONDS = 1.0
"""How long threads and processes may take to end, such as those of a pool that was closed."""


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

    def __sub__(self, other: Running) -> Running:
        return Running(self.threads - other.threads, self.children - other.children)

    def __bool__(self) -> bool:
        return bool(self.threads or self.children)


def check_outlives_fork(model_type: ModelType, before: Running, *, gpu: bool = False) -> None:
    """Check that a plug-in has started nothing that still runs by loading models and having them answer.

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
    deadline = time.monotonic() + _ENDING_SECONDS
    while (started := Running.now() - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    if started:
        raise ConfigError(
            f"BLUEGRID_TYPE: the plug-in of {model_type} says outlives_fork=True, but its models have "
            f"started what forked workers do not have: threads: {len(started.threads)}, child processes: "
            f"{len(started.children)}; leave outlives_fork out, or keep its libraries from starting them"
        )
