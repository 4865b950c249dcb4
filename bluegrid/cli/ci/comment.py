"""`bluegrid ci comment`: keeps one report under a pull request or merge request."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads it
from typing import Annotated

import typer

from bluegrid.cli.ci.forges import change_request, forge
from bluegrid.cli.tree import command
from bluegrid_registry import BluegridError, ConfigError


@command(epilog="Example: `bluegrid ci comment comment.md`")
def comment(
    file: Annotated[Path, typer.Argument(help="The report, as `bluegrid ci report` prints it.")],
    number: Annotated[
        str | None,
        typer.Option(help="Number of the request. Default: the one that this workflow runs for."),
    ] = None,
) -> None:
    """Write the report as a comment, or rewrite that of an earlier run.

    Prints the URL. On GitHub with GITHUB_TOKEN, on GitLab with GITLAB_TOKEN, a token with the scope `api`.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{file}: cannot be read: {error.strerror}; `bluegrid ci report > {file}`"
        ) from None
    host, request = forge(), change_request()
    if number is None and request is None:
        raise ConfigError("this runs for no request; name one: --number 7")
    try:
        url = host.comment(number or (request.number if request else ""), text)
    except BluegridError as error:
        raise BluegridError(f"the comment could not be written: {error}; the report is in {file}") from None
    typer.echo(url)
