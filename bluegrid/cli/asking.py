"""`bluegrid predict|compare|logs`: ask the pods of any cluster, by way of the API server."""

from __future__ import annotations

import json
import math
import re
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import Annotated

import typer

from bluegrid.cli import kube, output
from bluegrid.operations import ClusterClient, Namespace, followed, read_requests
from bluegrid.operations import compare as compare_clusters
from bluegrid.operations import logs as lines_of
from bluegrid_registry import BluegridError, ConfigError

Service = Annotated[str, typer.Argument(help="The service, e.g. line-loading.")]

SHOWN = 20
"""Differences that a person is shown, the largest; --json has all, with the answers."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def predict(
    service: Service,
    context: kube.Context,
    model: Annotated[str, typer.Option(help="UID of the model.")],
    instances: Annotated[str, typer.Option(help="Rows of features as JSON, e.g. '[[12.5, 3.1]]'.")],
    cluster: Annotated[str | None, typer.Option(help="Any cluster; absent: the live one.")] = None,
    namespace: kube.Namespace = kube.DEFAULT_NAMESPACE,
    as_json: output.Json = False,
) -> None:
    """Ask one model of SERVICE, on any cluster; nothing is exposed for it."""
    try:
        rows = json.loads(instances)
    except ValueError:
        raise ConfigError(
            f"--instances {instances}: is no JSON; expected rows such as '[[12.5, 3.1]]'"
        ) from None
    done = ClusterClient.of(Namespace.connect(context, namespace), service, cluster).predict(model, rows)
    if done.error:
        raise BluegridError(f"{service} {done.cluster} (version {done.version}): {done.error}")
    who = f"{done.cluster}, version {done.version}, pod {done.pod}, {1000 * done.seconds:.0f} ms"
    output.emit(as_json=as_json, data=asdict(done), text=f"{json.dumps(done.predictions)}  ({who})")


def compare(
    service: Service,
    first: Annotated[str, typer.Argument(help="The cluster to hold the other against, e.g. d1.")],
    second: Annotated[str, typer.Argument(help="The other cluster, e.g. d2.")],
    context: kube.Context,
    requests: Annotated[
        Path, typer.Option(help='JSON lines: {"model": "line-17", "instances": [[12.5, 3.1]]}.')
    ],
    rtol: Annotated[float, typer.Option(help="Relative difference that is still agreement.")] = 1e-6,
    atol: Annotated[float, typer.Option(help="Absolute difference that is still agreement.")] = 1e-9,
    namespace: kube.Namespace = kube.DEFAULT_NAMESPACE,
    as_json: output.Json = False,
) -> None:
    """Send the same requests to two clusters of SERVICE: do they agree, and how fast is each?

    Exit code 1 where they do not. Latency is by way of the API server, four requests at a time: good to hold
    the two side by side, not for what clients see.
    """
    to_compare = read_requests(requests)
    api = Namespace.connect(context, namespace)
    found = compare_clusters(
        ClusterClient.of(api, service, first),
        ClusterClient.of(api, service, second),
        to_compare,
        rtol=rtol,
        atol=atol,
    )
    largest = "nothing to subtract" if found.largest is None else f"largest difference {found.largest:.3g}"
    within = f"within {atol:g} + {rtol:g} of the answer"
    lines = [
        f"{service} {first} {second}: {found.agreed} of {found.requests} requests agree {within}; {largest}"
    ]
    lines += [f"  {name}: p50 {each.p50} ms, p99 {each.p99} ms" for name, each in found.latency.items()]
    worst = sorted(found.differing, key=lambda each: math.inf if each.by is None else each.by, reverse=True)
    lines += [
        f"  {each.model}: {each.text if each.by is None else f'differ by {each.by:.3g}'}"
        for each in worst[:SHOWN]
    ]
    if len(found.differing) > SHOWN:
        lines.append(f"  ... and {len(found.differing) - SHOWN} more; --json lists all")
    output.emit(as_json=as_json, data=asdict(found), text="\n".join(lines))
    if found.differing:
        raise typer.Exit(1)


def logs(
    service: Service,
    context: kube.Context,
    cluster: Annotated[str | None, typer.Argument(help="One cluster; absent: all.")] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")
    ] = False,
    since: Annotated[str | None, typer.Option(help="Only lines of the last 30s, 10m, 2h or 1d.")] = None,
    tail: Annotated[
        int | None, typer.Option(min=0, help="Only so many lines of each pod, the newest.")
    ] = None,
    previous: Annotated[
        bool, typer.Option("--previous", help="Of the containers that ended before: why did they?")
    ] = False,
    namespace: kube.Namespace = kube.DEFAULT_NAMESPACE,
) -> None:
    """Print the logs of SERVICE's pods, preflight's too, each line behind its pod's name."""
    if follow and previous:
        raise typer.BadParameter("what has ended writes no more", param_hint="--follow --previous")
    seconds = None if since is None else _seconds(since)
    api = Namespace.connect(context, namespace)
    lines = (
        followed(api, service, cluster, since_seconds=seconds, tail=tail)
        if follow
        else lines_of(api, service, cluster, since_seconds=seconds, tail=tail, previous=previous)
    )
    with suppress(KeyboardInterrupt):
        for pod, line in lines:
            typer.echo(f"{pod} | {line}")


def _seconds(text: str) -> int:
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if found is None:
        raise typer.BadParameter("is no duration; expected 30s, 10m, 2h or 1d", param_hint="--since")
    return int(found[1]) * _UNITS[found[2]]
