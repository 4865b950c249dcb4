"""Entry point: the tree of commands; turns every known error into one line and exit code 1."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from bluegrid.cli.commands import ALIASES, COMMANDS, OLD_OPTIONS
from bluegrid.cli.output import refuse
from bluegrid.cli.remedies import message_of
from bluegrid.cli.tree import CommandGroup
from bluegrid.signals import INTERRUPTED
from bluegrid_registry.errors import BluegridError

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Bluegrid(CommandGroup):
    """The group that typer makes of `app`, with all commands."""

    rows, aliases, old_options = COMMANDS, ALIASES, OLD_OPTIONS


app = typer.Typer(
    cls=_Bluegrid,
    name="bluegrid",
    help="Puts hundreds or thousands of small AI models online as one batch.",
    epilog="A day: `bluegrid push models/ --set g1 --version v2`, declare a cluster for it, `pulumi up`, "
    "`bluegrid switch line-loading d2`, `pulumi up`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def _print_version(value: bool) -> None:
    if value:
        # Imported here, because it reads the metadata of the distribution.
        from bluegrid import __version__

        typer.echo(f"bluegrid {__version__}")
        raise typer.Exit


@app.callback()
def bluegrid(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the program's version."
        ),
    ] = False,
) -> None:
    """Take the options that stand before a command."""


def main() -> None:
    """Run the command of this process."""
    # Most commands end within a second; collecting garbage while they read a registry takes a third of it.
    gc.set_threshold(1_000_000)
    try:
        sys.exit(run())
    except KeyboardInterrupt:
        refuse("interrupted")
        sys.exit(INTERRUPTED)
    finally:
        # Python would collect once more at its end, which takes as long as reading the registry.
        gc.freeze()


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; the only place that catches errors.

    Args:
        arguments: of the command, without the program's name; None: those of this process.
    """
    try:
        return app(arguments, standalone_mode=False) or 0
    except typer.TyperException as error:
        return _refuse_usage(error)
    except typer.Abort:
        return INTERRUPTED
    except BluegridError as error:
        refuse(message_of(error))
        return 1
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] == __name__.partition(".")[0]:
            raise
        refuse(f"{error.name} is not installed, and bluegrid needs it: pip install --upgrade bluegrid")
        return 1


def _refuse_usage(error: typer.TyperException) -> int:
    """Print on one line what is wrong with a command line; return the exit code."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else app.info.name
    # Without any argument the message is the help, which has been printed already.
    if message := " ".join(error.format_message().split()).rstrip(".?"):
        refuse(f"{message}; see `{path} --help`")
    return error.exit_code
