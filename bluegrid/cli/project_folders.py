"""Default folders of options: those of the project that the working directory is in."""

from __future__ import annotations

import os
from pathlib import Path

import typer  # noqa: TC002 - it reads the annotations of callbacks

from bluegrid.project import Project


def registry(context: typer.Context, option: typer.CallbackParam, folder: Path) -> Path:
    """Return the folder of registry files: the named one, or by default the project's."""
    project = _project(context, option, folder)
    return folder if project is None else from_here(project.folder / folder)


def stacks(context: typer.Context, option: typer.CallbackParam, folder: Path) -> Path:
    """Return the folder of the stacks' files: the named one, or by default the project's."""
    project = _project(context, option, folder)
    return folder if project is None else from_here(project.stacks)


def _project(context: typer.Context, option: typer.CallbackParam, folder: Path) -> Project | None:
    """Return the project that a default is relative to; None: the option is set, or its folder exists."""
    source = context.get_parameter_source(str(option.name))
    is_default = source is not None and source.name == "DEFAULT"
    return Project.around() if is_default and not folder.exists() else None


def from_here(folder: Path) -> Path:
    """Return a folder relative to the working directory, for messages."""
    return Path(os.path.relpath(folder))
