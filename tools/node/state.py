"""The supervisor's state, published to other processes in one small file, replaced at every change."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum, unique
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@unique
class Phase(StrEnum):
    """The stages of a node's life."""

    DOWN = "down"
    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    FAILED = "failed"


@dataclass(frozen=True)
class Running:
    """A component that runs.

    Attributes:
        pid: its process ID inside the node.
        since: when it was started, ISO 8601.
        healthy: whether its last check passed.
        restarts: how often it was started again.
    """

    pid: int
    since: str
    healthy: bool
    restarts: int


@dataclass(frozen=True)
class SupervisorState:
    """The state that the supervisor publishes.

    Attributes:
        pid: the supervisor's process ID on the machine.
        events: what has happened since the start, a line each.
        fault: why the node has failed.
    """

    phase: Phase
    pid: int = 0
    events: tuple[str, ...] = ()
    components: Mapping[str, Running] = field(default_factory=dict)
    fault: str = ""

    def write(self, path: Path) -> None:
        """Replace the file."""
        fresh = path.with_name(f".{path.name}")
        fresh.write_text(json.dumps(asdict(self)))
        fresh.replace(path)

    @classmethod
    def read(cls, path: Path) -> SupervisorState | None:
        """Return the last state; None if none was written yet."""
        try:
            document = json.loads(path.read_text())
        except FileNotFoundError:
            return None
        components = {name: Running(**each) for name, each in document.pop("components").items()}
        phase, events = Phase(document.pop("phase")), tuple(document.pop("events"))
        return cls(phase=phase, events=events, components=components, **document)
