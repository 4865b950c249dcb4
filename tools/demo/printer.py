"""Prints lines of several workers on one terminal, each with the time since the start."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from rich.console import Console

from tools.toolchain.progress import duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.toolchain import Progress, Step

_EVERY_SECONDS = 20.0


class Printer:
    """Prints lines; safe to share between threads."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._started, self._lock = time.monotonic(), threading.Lock()

    def line(self, worker: str, text: str) -> None:
        """Print text of one worker, line by line."""
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        with self._lock:
            for line in text.splitlines():
                self.console.print(f"{minutes:3d}:{seconds:02d}  {worker:<9} {line}", markup=False)

    def of(self, worker: str) -> Callable[[str], None]:
        """Return a function that prints lines of one worker."""
        return lambda text: self.line(worker, text)

    def steps(self, worker: str) -> Progress:
        """Return a progress callback for the toolchain: a line at a step's start and end, and every 20 s."""
        printed = 0.0

        def report(step: Step) -> None:
            nonlocal printed
            place = f"{step.number} of {step.of}: " if step.of else ""
            what = f"{place}{step.activity} {step.what}"
            if step.ended is not None:
                self.line(worker, f"{what}: {step.ended} ({duration(step.elapsed)})")
            elif step.elapsed == 0:
                printed = 0.0
                self.line(worker, f"{what}, usually {duration(step.usual)}" if step.usual else what)
            elif step.elapsed >= printed + _EVERY_SECONDS:
                printed = step.elapsed
                self.line(worker, f"{what}: {duration(step.elapsed)} so far")

        return report

    def title(self, text: str) -> None:
        """Print the heading of a step."""
        self.console.print()
        self.console.rule(f"[bold]{text}[/]", align="left")
