"""`bluegrid updates`: the update server, and its tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bluegrid.cli import options, output, update_client
from bluegrid.updates.api.tokens import Scope, new_token
from bluegrid_registry import ConfigError

app = typer.Typer(
    name="updates",
    help="New versions and switches by HTTP request, and the operator's page.",
    no_args_is_help=True,
)


@app.command(epilog="Example: `bluegrid updates serve --git git@example.org:grid/models.git`")
def serve(
    store: options.StoreUrl,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    state: Annotated[
        Path, typer.Option(help="Folder for the database and uploads; keep it on a disk.")
    ] = Path("updates"),
    tokens: Annotated[Path, typer.Option(help="File of the tokens that are accepted.")] = Path("tokens.yaml"),
    git: Annotated[
        str | None,
        typer.Option(help="A repository to commit and push to; the registry is a folder in it."),
    ] = None,
    branch: Annotated[str, typer.Option(help="Branch of the repository.")] = "main",
    stack: Annotated[
        list[str] | None,
        typer.Option(help="A stack for rollouts of sets; may be repeated, in the order of the rollout."),
    ] = None,
    program: Annotated[
        Path | None, typer.Option(help="Folder of the Pulumi program; default: the repository.")
    ] = None,
    stack_files: Annotated[
        Path | None, typer.Option(help="Folder of the stacks' files; default: `stacks` of the program.")
    ] = None,
    containers: Annotated[
        str, typer.Option(help="The program that runs images of trainers: podman, docker.")
    ] = "podman",
    trainings: Annotated[
        int, typer.Option(help="Trainers that may run at once, each of another set.", min=1)
    ] = 2,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0: any free port.", min=0, max=65535)] = 12347,
    tls_cert: Annotated[Path | None, typer.Option(help="PEM file of the TLS certificate.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file of its private key.")] = None,
) -> None:
    """Answer requests for new versions and for switches until a signal ends the server.

    The operator's page is at /, the API's description at /openapi.json.
    """
    # Imported here, because loading it takes as long as all other commands together.
    try:
        from bluegrid.updates import serve as server
    except ImportError as error:
        raise ConfigError(f"the update server needs {error.name}: pip install 'bluegrid[updates]'") from None

    options = server.Options(
        registry=registry,
        store=store,
        state=state,
        tokens=tokens,
        git=git,
        branch=branch,
        stacks=tuple(stack or ()),
        program=program,
        stack_files=stack_files,
        containers=containers,
        trainings=trainings,
    )
    server.serve(options, server.Listening(host, port, tls_cert, tls_key))


@app.command(epilog="Example: `bluegrid updates retry 7 --server https://updates.example.org`")
def retry(
    update: Annotated[int, typer.Argument(help="The update, e.g. 7.", min=1)],
    server: update_client.Server,
    token: update_client.Token,
) -> None:
    """Try UPDATE again now, if it waits or failed before it had a version."""
    row = update_client.call(server, token, "POST", f"/updates/{update}/retry")
    typer.echo(f"update {row['id']}: {row['state']}")


@app.command(epilog="Example: `bluegrid updates schedule --server https://updates.example.org`")
def schedule(server: update_client.Server, token: update_client.Token, as_json: options.Json = False) -> None:
    """List the sets that are trained on a schedule: the last run, its result, and the next run."""
    rows = update_client.call(server, token, "GET", "/schedules")
    columns = ("set", "when", "time_zone", "last", "update", "state", "next")
    output.emit_table(as_json=as_json, columns=columns, rows=rows)


@app.command(epilog="Example: `bluegrid updates token training --scope read --scope update`")
def token(
    name: Annotated[str, typer.Argument(help="Name of the program or person that gets the token.")],
    scopes: Annotated[list[Scope], typer.Option("--scope", help="What the token allows; may be repeated.")],
) -> None:
    """Print a new token, once, and its row for the file of tokens."""
    with output.checked_values():
        secret, row = new_token(name, scopes)
    allowed = ", ".join(sorted(row.scopes))
    line = f'- {{name: {row.name}, scopes: [{allowed}], sha256: "{row.sha256}"}}'
    typer.echo(f"{secret}\n# for tokens.yaml:\n{line}")
