"""`bluegrid tour`: from training to answers on this machine, in half a minute."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from bluegrid.cli.tree import command
from bluegrid.local import require_linux
from bluegrid.signals import signals_interrupt
from bluegrid_registry import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bluegrid.tour.scenario import Toured

_NEEDED = ("bluegrid_server", "pandapower", "sklearn", "skops")
"""Modules of the extra `tour`."""


@command(epilog="Example: `bluegrid tour --keep tour`")
def tour(
    keep: Annotated[
        Path | None,
        typer.Option(
            help="Work in this new folder and keep it, to go on from there. Default: nothing is kept."
        ),
    ] = None,
) -> None:
    """Go from training to answers on this machine, without Kubernetes.

    Trains 186 models of a power network in four versions, pushes and verifies them, compares two versions,
    serves one and asks its models, flips a byte and shows who notices, and repairs it. Each step prints its
    command.
    """
    require_linux()
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise ConfigError(f"the tour needs {', '.join(missing)}: pip install 'bluegrid[tour]'")
    from bluegrid.cli.main import run
    from bluegrid.tour.scenario import Tour

    screen = _TourScreen(Console(highlight=False, soft_wrap=True))
    with signals_interrupt(), _folder(keep) as folder, screen:
        done = Tour(folder, run, screen).run()
    typer.echo(f"\n{_words(done, keep)}")


class _TourScreen:
    """Prints the steps on a terminal or into a file; progress on a terminal only."""

    def __init__(self, console: Console) -> None:
        self._console, self._status = console, console.status("")

    def __enter__(self) -> _TourScreen:
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def title(self, text: str) -> None:
        self._status.stop()
        self._console.print(f"\n{text}", style="bold cyan", markup=False)

    def line(self, text: str) -> None:
        self._console.print(f"  {text}", markup=False)

    def command(self, text: str) -> None:
        # Commands have progress of their own.
        self._status.stop()
        self._console.print(f"$ {text}", style="bold", markup=False)

    def progress(self, text: str) -> None:
        self._status.update(Text(text))
        self._status.start()


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="bluegrid-tour-") as folder:
            yield Path(folder)
        return
    try:
        keep.mkdir(parents=True)
    except OSError as error:
        raise ConfigError(f"--keep {keep}: cannot be made: {error.strerror}; name a new folder") from None
    yield keep.resolve()


def _words(done: Toured, keep: Path | None) -> str:
    times = f"trained in {done.training:.0f} s, all steps in {done.seconds:.0f} s"
    first = f"{done.models} models, four versions: {times}."
    if keep is None:
        return (
            f"{first} Nothing is kept; `bluegrid tour --keep tour` leaves models, registry and store there."
        )
    return (
        f"{first} In {keep} are models, registry and store. Go on from there:\n"
        f"  cd {keep} && export BLUEGRID_STORE=file://$PWD/store\n"
        "  bluegrid version list g1\n"
        "  bluegrid serve g1 v4"
    )
