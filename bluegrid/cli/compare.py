"""`bluegrid compare`: compares the answers of two clusters."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated

import typer

from bluegrid.cli import options, output
from bluegrid.operations import ClusterClient, Namespace, read_requests
from bluegrid.operations import compare as compare_clusters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bluegrid.operations import AnswerComparison

SHOWN = 20
"""How many differences are printed, the largest first; --json has all, with the answers."""


def compare(
    service: options.Service,
    first: Annotated[str, typer.Argument(help="The cluster to compare with, e.g. d1.")],
    second: Annotated[str, typer.Argument(help="The cluster that is compared, e.g. d2.")],
    context: options.Context,
    requests: Annotated[
        Path, typer.Option(help='JSON lines: {"model": "line-17", "instances": [[12.5, 3.1]]}.')
    ],
    rtol: Annotated[float, typer.Option(help="Relative difference up to which answers agree.")] = 1e-6,
    atol: Annotated[float, typer.Option(help="Absolute difference up to which answers agree.")] = 1e-9,
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    as_json: options.Json = False,
) -> None:
    """Send the same requests to two clusters of SERVICE; compare their answers and their speed.

    Exit code 1 if answers differ. Requests go through the API server, four at a time: the latencies compare
    the clusters with each other, and are not what clients see.
    """
    to_compare = read_requests(requests)
    api = Namespace.connect(context, namespace)
    result = compare_clusters(
        ClusterClient.of(api, service, first),
        ClusterClient.of(api, service, second),
        to_compare,
        rtol=rtol,
        atol=atol,
    )
    largest = "nothing to subtract" if result.largest is None else f"largest difference {result.largest:.3g}"
    within = f"within {atol:g} + {rtol:g} of the answer"
    head = (
        f"{service} {first} {second}: {result.agreed} of {result.requests} requests agree {within}; {largest}"
    )
    output.emit(as_json=as_json, data=asdict(result), text="\n".join([head, *_details(result)]))
    if result.differing:
        raise typer.Exit(1)


def _details(result: AnswerComparison) -> Iterator[str]:
    for name, each in result.latency.items():
        yield f"  {name}: p50 {each.p50} ms, p99 {each.p99} ms"
    worst = sorted(result.differing, key=lambda each: math.inf if each.by is None else each.by, reverse=True)
    for difference in worst[:SHOWN]:
        by = difference.text if difference.by is None else f"differ by {difference.by:.3g}"
        yield f"  {difference.model}: {by}"
    if len(worst) > SHOWN:
        yield f"  ... and {len(worst) - SHOWN} more; --json lists all"
