"""Applies the edit of a command to the registry, or to a copy whose preview is shown."""

from __future__ import annotations

import difflib
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bluegrid.cli import output
from bluegrid.cli.pulumi import StackCommands
from bluegrid_registry import ConfigError, Registry, change_cluster
from bluegrid_registry.registry_files.edits.values import value_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pydantic import BaseModel

    from bluegrid.project import Target
    from bluegrid_registry import ValueEdit


def apply(
    edit: Callable[[Path], str | None],
    registry: Path,
    stack: str | None,
    config_file: Path | None,
    *,
    up: bool,
    dry_run: bool,
    yes: bool,
    question: str | None = None,
    variables: Mapping[str, str] | None = None,
    has_advice: bool = False,
) -> None:
    """Edit the registry and, with `up`, run `pulumi up`; with `dry_run`, only show what both would do.

    Args:
        edit: changes a folder of registry files, and returns a line about the change; None: nothing changes.
        registry: the folder.
        stack: the stack that `pulumi up` updates.
        config_file: the stack's settings; None: the file that Pulumi finds.
        up: whether to run `pulumi up`.
        dry_run: whether to write nothing.
        yes: whether to ask no questions, also not Pulumi's.
        question: to ask before the edit; None: no question.
        variables: environment variables for the Pulumi program.
        has_advice: whether the line about the change itself says how to apply it, if it has to be.

    Raises:
        ConfigError: there is no terminal for a question, or the answer is no.
        RegistryError: the edit is refused.
    """

    def named() -> StackCommands:
        return replace(StackCommands.named(stack, config_file), variables=variables or {})

    if dry_run:
        sys.exit(show(registry, edit, named() if stack else None, None))
    updated = named() if up else None
    if not yes and (up or question):
        _require_terminal()
    if question and not yes and not typer.confirm(question):
        raise ConfigError("nothing is changed")
    text = edit(registry)
    command = " ".join([*(f"{name}={value}" for name, value in (variables or {}).items()), "pulumi up"])
    if text is None:
        typer.echo("nothing to change")
    else:
        typer.echo(text if up or has_advice else f"{text}; apply it with `{command}`")
    if updated is not None:
        sys.exit(updated.up(*(["--yes"] if yes else [])))


def changed_cluster(service: str, cluster: str, values: Mapping[str, int | str], folder: Path) -> str:
    """Change fields of a cluster's row; return a line with old and new values."""
    old, new = change_cluster(folder, service, cluster, **values)
    changes = [f"{key} {getattr(old, key)} -> {getattr(new, key)}" for key in values]
    return f"{service} {cluster}: {', '.join(changes)}"


def in_words(subject: str, edits: Sequence[ValueEdit], old: BaseModel, new: BaseModel) -> str | None:
    """Return a line with the old and new values of keys, of a row before and after; None: it is the same."""
    if old == new:
        return None
    before, after = (row.model_dump(mode="json") for row in (old, new))
    changes = (
        f"{edit.key} {output.cell(value_at(before, edit.path))} -> {output.cell(value_at(after, edit.path))}"
        for edit in edits
    )
    return f"{subject}: {', '.join(changes)}"


def show(
    registry: Path, edit: Callable[[Path], object], stack: StackCommands | None, target: Target | None
) -> int:
    """Print the changes of an edit in YAML, and the preview of `pulumi up`; return Pulumi's exit code.

    Args:
        registry: the folder, which is not changed.
        edit: changes a copy of the folder.
        stack: the stack of the preview; None: only the edit is shown.
        target: limits the update; None: the whole stack.
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


def _require_terminal() -> None:
    """Raise ConfigError if nobody can answer the questions that follow."""
    if not sys.stdin.isatty():
        raise ConfigError("this command asks before it changes anything, and there is no terminal: add --yes")
