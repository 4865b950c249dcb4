"""`bluegrid compare`: compares the answers of two clusters."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated

import typer

from bluegrid.cli import completion, options, output
from bluegrid.cli.place import connect
from bluegrid.cli.tree import command
from bluegrid.operations import ClusterClient, PredictionRequest, read_requests
from bluegrid.operations import compare as compare_clusters
from bluegrid.project import resolve_place
from bluegrid_registry import ConfigError, Registry, open_store, read_manifest, stored_examples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bluegrid.operations import AnswerComparison
    from bluegrid_registry import OutputChange

SHOWN = 20
"""How many differences are printed, the largest first; --json has all, with the answers."""


@command(epilog="Example: `bluegrid compare line-loading d1 d2 --requests requests.jsonl`")
def compare(
    service: options.Service,
    first: Annotated[
        str,
        typer.Argument(
            metavar="FIRST", help="The cluster to compare with, e.g. d1.", autocompletion=completion.clusters
        ),
    ],
    second: Annotated[
        str,
        typer.Argument(
            metavar="SECOND",
            help="The cluster that is compared, e.g. d2.",
            autocompletion=completion.clusters,
        ),
    ],
    requests: Annotated[
        Path | None,
        typer.Option(
            help='JSON lines: {"model": "line-17", "instances": [[12.5, 3.1]]}, or with `inputs` as the '
            "protocol has them. Default: the recorded examples of FIRST's version, from the store."
        ),
    ] = None,
    rtol: Annotated[float, typer.Option(help="Relative difference up to which answers agree.")] = 1e-6,
    atol: Annotated[float, typer.Option(help="Absolute difference up to which answers agree.")] = 1e-9,
    stack: options.Stack = None,
    context: options.Context = None,
    kubeconfig: options.Kubeconfig = None,
    namespace: options.Namespace = None,
    store: options.Store = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Send the same requests to two clusters; compare answers and speed.

    Exit code 1 if answers differ. Requests go through the API server, four at a time: the latencies compare
    the clusters with each other, and are not what clients see.
    """
    place = resolve_place(
        stacks,
        stack,
        context=context,
        kubeconfig=kubeconfig,
        namespace=namespace,
        store=store,
        only_reads=True,
    )
    to_compare = read_requests(requests) if requests else _recorded(service, first, registry, place.store)
    api = connect(place)
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


def _recorded(service: str, cluster: str, registry: Path, store: str | None) -> list[PredictionRequest]:
    """Return the requests of all recorded examples of the version of a cluster."""
    declared = Registry.load(registry)
    file = declared.of_service(service)
    version = file.version(declared.service(service).cluster(cluster).version)
    place = f"set {file.set.id} version {version.id}"
    if store is None:
        raise ConfigError(
            f"{place}: no store is named; name it with --stack or --store, or give requests: --requests FILE"
        )
    opened = open_store(store)
    manifest = read_manifest(opened, file.set.id, version.id, version.manifest)
    found = stored_examples(opened, manifest, manifest.models)
    if not found:
        raise ConfigError(f"{place}: has no recorded examples; give requests: --requests FILE")
    return [PredictionRequest.of(uid, example) for uid in found for example in found[uid]]


def _change(change: OutputChange) -> str:
    largest = "" if change.moved is None else f"largest difference {change.moved:.3g}"
    differing = f"{change.differing} labels differ" if change.differing or not largest else ""
    return ", ".join(filter(None, [largest, differing]))


def _details(result: AnswerComparison) -> Iterator[str]:
    if len(result.outputs) > 1:
        yield from (f"  {name}: {_change(change)}" for name, change in result.outputs.items())
    for name, each in result.latency.items():
        yield f"  {name}: p50 {each.p50} ms, p99 {each.p99} ms"
    worst = sorted(result.differing, key=lambda each: math.inf if each.by is None else each.by, reverse=True)
    for difference in worst[:SHOWN]:
        by = difference.text if difference.by is None else f"differ by {difference.by:.3g}"
        yield f"  {difference.model}: {by}"
    if len(worst) > SHOWN:
        yield f"  ... and {len(worst) - SHOWN} more; --json lists all"
