"""Values of options that nobody typed: from the project that the working directory is in, and its stacks.

What is typed comes first, then the environment; in both a single option comes before the stack that is named.
The project is imported only where it is needed: its modules take longer to load than those of the options.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import typer  # noqa: TC002 - it reads the annotations of callbacks

_TYPED, _ENVIRONMENT = "COMMANDLINE", "ENVIRONMENT"


def registry(context: typer.Context, option: typer.CallbackParam, folder: Path) -> Path:
    """Return the folder of registry files: the named one, the named stack's, or by default the project's."""
    source = _source(context, str(option.name))
    stack, config_file = context.params.get("stack"), context.params.get("config_file")
    is_stack_named = stack is not None or config_file is not None
    if source == _TYPED or (source == _ENVIRONMENT and not _is_typed(context)):
        return folder
    if not is_stack_named and folder.exists():
        return folder
    from bluegrid.project import Project, registry_of

    project = Project.around()
    if project is None:
        return folder
    stacks_folder = context.params.get("stacks")
    return from_here(registry_of(project, stacks_folder or project.stacks, stack, config_file))


def stacks(context: typer.Context, option: typer.CallbackParam, folder: Path) -> Path:
    """Return the folder of the stacks' files: the named one, or by default the project's."""
    if _source(context, str(option.name)) in (_TYPED, _ENVIRONMENT) or folder.exists():
        return folder
    from bluegrid.project import Project

    project = Project.around()
    return folder if project is None else from_here(project.stacks)


def unless_typed(context: typer.Context, option: typer.CallbackParam, value: Any) -> Any:
    """Return an option's value, without the environment's if `--stack` is typed.

    Otherwise a forgotten `export BLUEGRID_NAMESPACE=…` would send `--stack east` to another namespace.
    """
    is_left = _source(context, str(option.name)) == _ENVIRONMENT and _is_typed(context)
    return None if is_left else value


def _is_typed(context: typer.Context) -> bool:
    """Whether the command line itself names the stack, or its file."""
    return any(_source(context, name) == _TYPED for name in ("stack", "config_file"))


def _source(context: typer.Context, name: str) -> str | None:
    source = context.get_parameter_source(name)
    return None if source is None else source.name


def from_here(folder: Path) -> Path:
    """Return a folder relative to the working directory, for messages."""
    return Path(os.path.relpath(folder))
