"""Plug-ins whose loads are counted, some of which start what a fork leaves behind."""

from __future__ import annotations

import os
import subprocess
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_registry import ModelType
from bluegrid_server.frameworks import Datatype, FrameworkPlugin, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

LOADS = "LOADS"
"""Environment variable with the path of a file that gets a line for each load: the ID of the process."""


def _type(kind: str) -> ModelType:
    return ModelType("counted", kind, "a model", lambda _: None)


SHARED_TYPE, OWN_TYPE, THREAD_TYPE, LATE_TYPE, BRIEF_TYPE, CHILD_TYPE = map(
    _type, ("shared", "own", "thread", "late", "brief", "child")
)


def _nothing() -> None:
    pass


def _start_thread() -> None:
    threading.Thread(target=threading.Event().wait, daemon=True).start()


def _start_brief_thread() -> None:
    threading.Timer(0.1, _nothing).start()


def _start_child() -> None:
    # The pipe closes, and the child ends, with this process.
    subprocess.Popen(["cat"], stdin=subprocess.PIPE)


@dataclass
class Counted:
    """A model that answers with the ID of its process, and ends its process if a value is missing."""

    inputs = (TensorSpec("x", (-1,)),)
    outputs = (TensorSpec("process", (-1,), Datatype.INT64),)
    on_predict: Callable[[], None]

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the ID for each value."""
        if np.isnan(inputs["x"]).any():
            os._exit(1)
        self.on_predict()
        return {"process": np.full(len(inputs["x"]), os.getpid())}


def _plugin(
    *,
    on_load: Callable[[], None] = _nothing,
    on_predict: Callable[[], None] = _nothing,
    outlives_fork: bool = True,
) -> FrameworkPlugin:
    def load(path: Path, trust: Iterable[str] = ()) -> Counted:
        with open(os.environ[LOADS], "a") as loads:  # noqa: PTH123 - one write for each load
            loads.write(f"{os.getpid()}\n")
        on_load()
        return Counted(on_predict)

    return FrameworkPlugin(load, outlives_fork=outlives_fork)


SHARED = _plugin()
OWN = _plugin(outlives_fork=False)
THREAD = _plugin(on_load=_start_thread)
LATE = _plugin(on_predict=_start_thread)
BRIEF = _plugin(on_predict=_start_brief_thread)
CHILD = _plugin(on_load=_start_child)
