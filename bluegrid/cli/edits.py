"""How a command changes the registry: for real, or on a copy whose preview is shown."""

from __future__ import annotations

import difflib
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bluegrid_registry import ConfigError, Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bluegrid.cli.pulumi import StackCommands
    from bluegrid.project import Target

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Change nothing; show the edit and, of a named stack, the preview.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def dry_run(
    registry: Path, edit: Callable[[Path], object], stack: StackCommands | None, target: Target | None
) -> int:
    """Show what an edit changes in YAML, and what `pulumi up` would then do; returns Pulumi's exit code.

    Args:
        registry: the folder that is left as it is.
        edit: is given a copy of it.
        stack: whose preview is shown; None: the edit alone.
        target: what alone is updated; None: everything.
    """
    Registry.load(registry)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "registry"
        shutil.copytree(registry, copy, ignore=shutil.ignore_patterns(".*"))
        edit(copy)
        typer.echo("".join(_difference(registry, copy)) or "nothing changes\n", nl=False)
        if stack is None:
            typer.echo("nothing is written; with --stack <name> the preview is shown too")
            return 0
        return stack.preview(copy, target)


def _difference(before: Path, after: Path) -> Iterator[str]:
    for file in sorted(before.glob("*.yaml")):
        old, new = (
            path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
            for path in (file, after / file.name)
        )
        yield from difflib.unified_diff(old, new, str(file), str(file), n=1)


def require_someone() -> None:
    """Raise ConfigError when nobody is there to answer what is going to be asked."""
    if not sys.stdin.isatty():
        raise ConfigError("this asks before it goes on, and nobody is there to answer; say it with --yes")


def ask(question: str) -> None:
    """Ask before something is deleted; ConfigError when the answer is no."""
    if not typer.confirm(question):
        raise ConfigError("nothing is changed")
