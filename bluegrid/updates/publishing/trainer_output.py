"""Keeps the end of a trainer's output, with the times of start and end."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import AwareDatetime  # noqa: TC002 - pydantic reads it at run time

from bluegrid.updates.jobs.database import time_of
from bluegrid_registry.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_OUTPUT = 2**16
"""Characters to keep of the end of a trainer's output; up to twice as many are on the disk."""


class TrainerOutput(Frozen):
    """The output of a trainer."""

    lines: tuple[str, ...]
    """The last lines; only the last 64 Ki characters of the output are kept."""
    started: AwareDatetime | None
    """None: the trainer has not started."""
    ended: AwareDatetime | None
    """None: the trainer runs, or ran when the server was killed."""
    seconds: float | None
    """How long the trainer has run."""
    timeout_seconds: float | None
    """Time limit, after which the trainer is ended."""


@dataclass
class OutputFile:
    """The output of one run.

    Attributes:
        path: the file of the output; the times are in a JSON file beside it.
    """

    path: Path
    _length: int = field(default=0, init=False)

    @contextmanager
    def begun(self, timeout_seconds: float) -> Iterator[None]:
        """Record the times of a run, which lasts as long as the block; delete an earlier run's output."""
        times: dict[str, float] = {"started": time.time(), "timeout_seconds": timeout_seconds}
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
            self._times.write_text(json.dumps(times))
        try:
            yield
        finally:
            with suppress(OSError):
                self._times.write_text(json.dumps(times | {"ended": time.time()}))

    def add(self, line: str) -> None:
        """Append a line.

        Raises:
            OSError: the disk is full.
        """
        if self._length > 2 * MAX_OUTPUT:
            self._shorten()
        with self.path.open("a", encoding="utf-8") as file:
            self._length += file.write(f"{line}\n")

    def _shorten(self) -> None:
        """Keep only the end; a reader gets the whole old file or the whole new one."""
        text = _last(self._text())
        other = self.path.with_suffix(".new")
        other.write_text(text, encoding="utf-8")
        other.replace(self.path)
        self._length = len(text)

    def read(self, lines: int) -> TrainerOutput:
        """Return the last lines, and the times."""
        try:
            times = json.loads(self._times.read_text())
        except (FileNotFoundError, ValueError):
            times = {}
        started, ended = times.get("started"), times.get("ended")
        until = time.time() if ended is None else ended
        return TrainerOutput(
            lines=tuple(_last(self._text()).splitlines()[-lines:]),
            started=None if started is None else time_of(started),
            ended=None if ended is None else time_of(ended),
            seconds=None if started is None else round(max(0.0, until - started), 1),
            timeout_seconds=times.get("timeout_seconds"),
        )

    def _text(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    @property
    def _times(self) -> Path:
        return self.path.with_suffix(".json")


def _last(text: str) -> str:
    """Return the whole lines among the last `MAX_OUTPUT` characters of a text."""
    if len(text) <= MAX_OUTPUT:
        return text
    _, _, rest = text[-MAX_OUTPUT - 1 :].partition("\n")
    return rest
