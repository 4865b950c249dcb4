"""`bluegrid server token`: makes a token for the update server."""

from __future__ import annotations

from typing import Annotated

import typer

from bluegrid.cli import options, output
from bluegrid.cli.tree import command
from bluegrid.updates.api.tokens import Scope, new_token


@command(epilog="Example: `bluegrid server token training --scope read --scope update`")
def token(
    name: Annotated[str, typer.Argument(help="Name of the program or person that gets the token.")],
    scopes: Annotated[list[Scope], typer.Option("--scope", help="What the token allows; may be repeated.")],
    as_json: options.Json = False,
) -> None:
    """Print a new token, once, and its row for the file of tokens."""
    with output.checked_values():
        secret, row = new_token(name, scopes)
    allowed = ", ".join(sorted(row.scopes))
    line = f'- {{name: {row.name}, scopes: [{allowed}], sha256: "{row.sha256}"}}'
    data = {"token": secret, "row": {"name": row.name, "scopes": sorted(row.scopes), "sha256": row.sha256}}
    output.emit(as_json=as_json, data=data, text=f"{secret}\n# for tokens.yaml:\n{line}")
