"""The progress of a transfer, as a bar on a terminal."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bluegrid_registry import ProgressEvent


@contextmanager
def bar(what: str) -> Iterator[Callable[[ProgressEvent], None]]:
    """Show models, bytes, rate and time left on a terminal; otherwise nothing.

    Args:
        what: what happens to the bytes, such as "sent".
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.completed:.0f} of {task.fields[models]} models"),
        BarColumn(),
        TextColumn("{task.fields[moved]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(what, total=None, models="?", moved="")

        def show(event: ProgressEvent) -> None:
            elapsed = progress.tasks[task].elapsed or 1e-9
            moved = f"{event.bytes / 1e6:.2f} MB {what}, {event.bytes / 1e6 / elapsed:.1f} MB/s"
            total = event.models_total
            progress.update(
                task, completed=event.models, total=total, models="?" if total is None else total, moved=moved
            )

        yield show


@contextmanager
def count_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show how many things of how many are done, on a terminal; the yielded function gets both numbers.

    Args:
        what: the things, such as "runs found".
    """
    console = Console(stderr=True)
    columns = (
        TextColumn(f"{{task.completed:.0f}} of {{task.total:.0f}} {what}"),
        BarColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(what, total=0)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def bytes_bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how much of `total` bytes has gone, on a terminal; the yielded function adds bytes."""
    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda count: progress.update(task, advance=count)
