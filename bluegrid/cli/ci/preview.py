"""`bluegrid ci preview`: previews of stacks as files, for `ci report` and `ci check`."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from bluegrid.cli import options, output
from bluegrid.cli.ci.concerned import scope_of
from bluegrid.cli.ci.forges import change_request
from bluegrid.cli.ci.preview_of_services import preview_of_services
from bluegrid.cli.ci.stacks import declared_stacks
from bluegrid.cli.tree import command
from bluegrid.previews import PREVIEW_ALL
from bluegrid.project import Project, file_of, pulumi_environment
from bluegrid.project.git_changes import BaseCommit
from bluegrid.project.programs import not_on_path
from bluegrid.signals import signals_interrupt

PREVIEWS = Path("previews")
"""Default folder of the previews' files."""
Previews = Annotated[
    Path, typer.Option("--previews", metavar="FOLDER", help="Folder of the previews, a file for each stack.")
]
Base = Annotated[
    str | None,
    typer.Option(
        "--base-commit",
        metavar="COMMIT",
        help="Commit before the change. Default: the base of the request that this workflow runs for.",
    ),
]
_SILENT = "pulumi ended without a message; see the log"
_COMMAND = ("pulumi", "preview", "--json", "--show-sames", "--non-interactive")


@command(epilog="Example: `bluegrid ci preview north --base-commit origin/main`")
def preview(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="STACK", help="The stacks; default: all that have a file.")
    ] = None,
    base: Base = None,
    all_services: Annotated[
        bool,
        typer.Option("--all", help=f"Preview all services; so does the label {PREVIEW_ALL} of the request."),
    ] = False,
    previews: Previews = PREVIEWS,
    stacks: options.Stacks = options.DEFAULT_STACKS,
) -> None:
    """Write what `pulumi up` would do in each stack to FOLDER/STACK.json.

    Of a change, the services that its files concern are previewed, and all where it changes what they have
    in common: a setting, the program, its packages. Without a commit before the change, all are previewed.

    A preview that fails is a result, too: its file has the errors, the report shows them, and `bluegrid ci
    check` refuses them. Without PULUMI_BACKEND_URL, which a request from a fork has not, no file is written.
    """
    chosen = names or declared_stacks(stacks)
    for name in chosen:
        file_of(stacks, name)
    if not os.environ.get("PULUMI_BACKEND_URL"):
        listed = ", ".join(chosen)
        output.warn(f"PULUMI_BACKEND_URL is not set; no preview of {listed}, reports use the registry files")
        return
    project, request = Project.find(), change_request()
    is_whole = all_services or (request is not None and PREVIEW_ALL in request.labels)
    commit = base or (request.base if request else "")
    branched_off = None if is_whole or not commit else BaseCommit.branched_off(project.folder, commit)
    previews.mkdir(parents=True, exist_ok=True)
    with signals_interrupt():
        for name in chosen:
            file = previews / f"{name}.json"
            if branched_off is None or not _preview_services(project, name, branched_off, file):
                _preview_all(project, name, file)


def _preview_services(project: Project, stack: str, base: BaseCommit, file: Path) -> bool:
    """Write the preview of the services that differ from a commit; return False if it has to be of all."""
    scope = scope_of(project, stack, base)
    why = ", ".join(scope.reasons)
    if not scope.is_whole:
        written = preview_of_services(project, stack, scope.services, base, _COMMAND)
        if written is not None:
            file.write_bytes(written)
            typer.echo(f"{stack}: previewed {', '.join(scope.services) or 'no service: none is concerned'}")
            return True
        why = f"{', '.join(scope.services)} could not be previewed alone"
    typer.echo(f"{stack}: previews all services: {why}")
    return False


def _preview_all(project: Project, stack: str, file: Path) -> None:
    """Write the preview of a stack, whether it fails or not."""
    command = [*_COMMAND, "--stack", stack]
    with file.open("wb") as written, pulumi_environment() as environment:
        try:
            done = subprocess.run(command, cwd=project.folder, env=environment, stdout=written, check=False)
        except FileNotFoundError:
            raise not_on_path("pulumi") from None
    if done.returncode != 0:
        _require_an_error(file)
        output.warn(f"{stack}: the preview failed; {file} has the errors")


def _require_an_error(file: Path) -> None:
    """Add an error to a failed preview that has none: a Pulumi that could not start may say nothing."""
    try:
        document = json.loads(file.read_bytes())
    except ValueError:
        document = {}
    diagnostics = document.get("diagnostics") or []
    if not any(each.get("severity") == "error" for each in diagnostics):
        silent = {"severity": "error", "message": _SILENT}
        file.write_text(json.dumps({**document, "diagnostics": [*diagnostics, silent]}))
