"""`bluegrid logs`: prints the logs of a service's pods."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Annotated

import typer

from bluegrid.cli import durations, options
from bluegrid.cli.place import connect
from bluegrid.cli.tree import command
from bluegrid.operations import followed
from bluegrid.operations import logs as lines_of
from bluegrid.project import resolve_place


@command(epilog="Example: `bluegrid logs line-loading d2 --since 10m --follow`")
def logs(
    service: options.Service,
    cluster: options.OneCluster = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Print new lines too, until Ctrl-C.")
    ] = False,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only lines of the last 30s, 10m, 2h or 1d.")
    ] = None,
    tail: Annotated[
        int | None, typer.Option(min=0, help="Only this many lines of each pod, the newest.")
    ] = None,
    previous: Annotated[
        bool, typer.Option("--previous", help="The logs of containers that have ended, to see why.")
    ] = False,
    stack: options.Stack = None,
    context: options.Context = None,
    kubeconfig: options.Kubeconfig = None,
    namespace: options.Namespace = None,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Print the logs of SERVICE's pods, also those of the preflight.

    Each line begins with its pod's name.
    """
    if follow and previous:
        raise typer.BadParameter(
            "a container that has ended writes no more", param_hint="--follow --previous"
        )
    seconds = None if since is None else durations.seconds(since, "--since")
    api = connect(
        resolve_place(
            stacks, stack, context=context, kubeconfig=kubeconfig, namespace=namespace, only_reads=True
        )
    )
    lines = (
        followed(api, service, cluster, since_seconds=seconds, tail=tail)
        if follow
        else lines_of(api, service, cluster, since_seconds=seconds, tail=tail, previous=previous)
    )
    with suppress(KeyboardInterrupt):
        for pod, line in lines:
            typer.echo(json.dumps({"pod": pod, "line": line}) if as_json else f"{pod} | {line}")
