"""`bluegrid ci allowed`: the live services that the labels of a merged request allow to be deleted."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from bluegrid.cli.ci.forges import allowed_by, forge
from bluegrid.cli.tree import command
from bluegrid_registry import BluegridError, ConfigError
from bluegrid_registry.contract import ALLOW_DELETE


@command(epilog='Example: `bluegrid ci allowed >> "$GITHUB_ENV"`')
def allowed(
    commit: Annotated[
        str | None, typer.Argument(help="The merged commit. Default: that of the workflow's run.")
    ] = None,
) -> None:
    """Print which live services a merged request allows to be deleted.

    Prints BLUEGRID_ALLOW_DELETE=SERVICE,... from its labels allow-delete:SERVICE. The variable ALLOW_DELETE
    has more names, with blanks between them, of whoever starts a run by hand.
    """
    chosen = commit or os.environ.get("GITHUB_SHA") or os.environ.get("CI_COMMIT_SHA")
    if not chosen:
        raise ConfigError("no commit is named; name it: bluegrid ci allowed COMMIT")
    try:
        labels = forge().labels_of(chosen)
    except BluegridError as error:
        remedy = f"run it again, or set {ALLOW_DELETE} yourself"
        raise BluegridError(f"the labels could not be read: {error}; {remedy}") from None
    names = [*os.environ.get("ALLOW_DELETE", "").split(), *allowed_by(labels)]
    typer.echo(f"{ALLOW_DELETE}={','.join(dict.fromkeys(names))}")
