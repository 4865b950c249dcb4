"""`bluegrid server start`: runs the update server."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Annotated

import typer

from bluegrid.cli import options
from bluegrid.cli.tree import command
from bluegrid_registry import ConfigError


@command(extra="updates", epilog="Example: `bluegrid server start --git git@example.org:grid/models.git`")
def start(
    store: options.Store = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    state: Annotated[
        Path, typer.Option("--state-folder", help="Folder for the database and uploads; keep it on a disk.")
    ] = Path("updates"),
    tokens: Annotated[Path, typer.Option(help="File of the tokens that are accepted.")] = Path("tokens.yaml"),
    git: Annotated[
        str | None,
        typer.Option(help="A repository to commit and push to; the registry is a folder in it."),
    ] = None,
    branch: Annotated[str, typer.Option(help="Branch of the repository.")] = "main",
    stack: Annotated[
        list[str] | None,
        typer.Option(
            "--stack",
            "-s",
            help="A stack for rollouts of sets; may be repeated, in the order of the rollout.",
        ),
    ] = None,
    program: Annotated[
        Path | None, typer.Option(help="Folder of the Pulumi program; default: the repository.")
    ] = None,
    stack_files: Annotated[
        Path | None,
        typer.Option(help="Folder of the stacks' files; default: `stacks` of the program."),
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
    """Run the update server until a signal ends it.

    It answers requests for new versions and for switches.

    The operator's page is at /, the API's description at /openapi.json.
    """
    if store is None:
        raise ConfigError("no store is named; name the one that versions are pushed to: --store")
    # Imported here, because loading it takes as long as all other commands together.
    from bluegrid.updates import serve as server

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
    # `main` sets a high threshold for commands that end soon; this is Python's own.
    gc.set_threshold(700, 10, 10)
    server.serve(options, server.Listening(host, port, tls_cert, tls_key))
