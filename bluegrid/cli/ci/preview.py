"""`bluegrid ci preview`: previews of stacks as files, for `ci report` and `ci check`."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from bluegrid.cli import options, output
from bluegrid.cli.tree import command
from bluegrid.project import Project, stack_names
from bluegrid_registry import ConfigError

PREVIEWS = Path("previews")
"""Default folder of the previews' files."""
Previews = Annotated[
    Path, typer.Option("--previews", metavar="FOLDER", help="Folder of the previews, a file for each stack.")
]
_SILENT = "pulumi ended without a message; see the log"
_COMMAND = ("pulumi", "preview", "--json", "--show-sames", "--non-interactive")


@command(epilog="Example: `bluegrid ci preview north`")
def preview(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="STACK", help="The stacks; default: all that have a file.")
    ] = None,
    previews: Previews = PREVIEWS,
    stacks: options.Stacks = options.DEFAULT_STACKS,
) -> None:
    """Write what `pulumi up` would do in each stack to FOLDER/STACK.json.

    A preview that fails is a result, too: its file has the errors, the report shows them, and `bluegrid ci
    check` refuses them. Without PULUMI_BACKEND_URL, which a request from a fork has not, no file is written.
    """
    chosen = names or stack_names(stacks)
    if not os.environ.get("PULUMI_BACKEND_URL"):
        listed = ", ".join(chosen)
        output.warn(f"PULUMI_BACKEND_URL is not set; no preview of {listed}, reports use the registry files")
        return
    previews.mkdir(parents=True, exist_ok=True)
    for name in chosen:
        _preview(name, previews / f"{name}.json")


def _preview(stack: str, file: Path) -> None:
    """Write the preview of a stack, whether it fails or not."""
    with file.open("wb") as written:
        try:
            done = subprocess.run(
                [*_COMMAND, "--stack", stack], cwd=Project.find().folder, stdout=written, check=False
            )
        except FileNotFoundError:
            raise ConfigError("pulumi is not on PATH; install it, and run this again") from None
    if done.returncode != 0:
        output.warn(f"{stack}: the preview failed; {file} has the errors")
    # A Pulumi that was killed, or could not start, may have written nothing.
    if file.stat().st_size == 0:
        file.write_text(json.dumps({"diagnostics": [{"severity": "error", "message": _SILENT}]}))
