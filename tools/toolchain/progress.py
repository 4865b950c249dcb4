"""What is told while programs are obtained."""

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
class Doing(StrEnum):
    """What is being done."""

    DOWNLOADING = "downloading"
    BUILDING = "building"
    INSTALLING = "installing"
    WAITING = "waiting for"


@dataclass(frozen=True)
class Step:
    """One moment of obtaining a program; told at its start, about once a second, and when it has ended.

    Attributes:
        number: of `of` programs that are missing.
        usual: seconds that it takes on 2 cores.
        elapsed: seconds since it began.
        ended: how it ended; None: still at it.
    """

    doing: Doing
    what: str
    number: int
    of: int
    usual: float
    elapsed: float = 0
    ended: str | None = None


Progress = Callable[[Step], None]


def quiet(_: Step) -> None:
    """Tell nothing."""


class Teller:
    """Tells steps on a terminal as one live line, elsewhere as a line every 20 seconds."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._status: Status | None = None
        self._told = 0.0

    def __call__(self, step: Step) -> None:
        """Tell a step."""
        if step.ended is not None:
            self._stop()
            self._console.print(f"{_head(step)}: {step.ended} ({duration(step.elapsed)})", soft_wrap=True)
        elif self._console.is_terminal:
            self._live(step)
        elif step.elapsed == 0 or step.elapsed >= self._told + _HEARTBEAT:
            self._told = step.elapsed
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
    """A length of time as people say it: `50 s`, `6 min 40 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _head(step: Step) -> str:
    place = f"\\[{step.number}/{step.of}] " if step.of else ""
    return f"{place}{step.doing} {step.what}"


def _line(step: Step) -> str:
    usual = f", usually {duration(step.usual)}" if step.usual else ""
    since = f": {duration(step.elapsed)} so far" if step.elapsed else ""
    return f"{_head(step)}{since}{usual}"
