"""Progress of obtaining programs: steps, and how they are printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from rich.status import Status

_HEARTBEAT = 20.0


@unique
class Activity(StrEnum):
    """The kind of a step."""

    DOWNLOADING = "downloading"
    BUILDING = "building"
    INSTALLING = "installing"
    WAITING = "waiting for"


@dataclass(frozen=True)
class Step:
    """The state of a step; reported at its start, about once a second, and at its end.

    Attributes:
        number: the program's number among the `of` missing programs.
        usual: seconds that it takes on 2 cores.
        elapsed: seconds since it began.
        ended: how it ended; None while it runs.
    """

    activity: Activity
    what: str
    number: int
    of: int
    usual: float
    elapsed: float = 0
    ended: str | None = None


Progress = Callable[[Step], None]


def quiet(_: Step) -> None:
    """Ignore progress."""


class ProgressPrinter:
    """Prints steps: on a terminal as one line that changes, otherwise a line every 20 seconds."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._status: Status | None = None
        self._printed = 0.0

    def __call__(self, step: Step) -> None:
        """Print a step."""
        if step.ended is not None:
            self._stop()
            self._console.print(f"{_head(step)}: {step.ended} ({duration(step.elapsed)})", soft_wrap=True)
        elif self._console.is_terminal:
            self._live(step)
        elif step.elapsed == 0 or step.elapsed >= self._printed + _HEARTBEAT:
            self._printed = step.elapsed
            self._console.print(_line(step), soft_wrap=True)

    def _live(self, step: Step) -> None:
        if self._status is None:
            self._status = self._console.status(_line(step))
            self._status.start()
        self._status.update(_line(step))

    def _stop(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


def duration(seconds: float) -> str:
    """Return a duration for people: `50 s`, `6 min 40 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _head(step: Step) -> str:
    place = f"\\[{step.number}/{step.of}] " if step.of else ""
    return f"{place}{step.activity} {step.what}"


def _line(step: Step) -> str:
    usual = f", usually {duration(step.usual)}" if step.usual else ""
    since = f": {duration(step.elapsed)} so far" if step.elapsed else ""
    return f"{_head(step)}{since}{usual}"
