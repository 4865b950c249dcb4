"""`bluegrid status`: what runs, asked of Kubernetes itself, beside what the registry declares."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli import kube, output, pulumi
from model_registry import BluegridError, Registry, RegistryError
from operations import Namespace, look, statuses
from previews import states_of_files, states_of_objects, states_of_registry
from promotion import stack_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from operations import ClusterStatus, Look
    from previews import ServiceState
    from promotion import Stack

APART = 1.0
"""Seconds between two looks, of which the traffic is told."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def status(
    context: kube.Context,
    service: Annotated[str | None, typer.Argument(help="One service, with its pods.")] = None,
    cluster: Annotated[str | None, typer.Argument(help="One of its clusters.")] = None,
    namespace: kube.Namespace = kube.DEFAULT_NAMESPACE,
    registry: output.RegistryFolder = output.DEFAULT_REGISTRY,
    region: kube.Region = None,
    state: Annotated[
        bool, typer.Option("--state", help="Also ask the stack's state, and say what follows from drift.")
    ] = False,
    stack: Annotated[
        str | None, typer.Option(envvar="BLUEGRID_STACK", help="The stack, with --state.")
    ] = None,
    stacks: Annotated[
        Path,
        typer.Option(
            envvar="BLUEGRID_STACKS",
            help="Folder of the stacks' files; the one that runs there says how large its clusters are.",
        ),
    ] = Path("stacks"),
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again, until Ctrl-C.")] = False,
    as_json: output.Json = False,
) -> None:
    """Show every service's clusters: what is live, pods and why they wait, models, traffic, drift from YAML.

    Traffic is that of one second (with --watch, since the last look), told by the pods through the API
    server's proxy. Whoever may not `get` and `create` pods/proxy there sees all else.
    """
    if watch and as_json:
        raise typer.BadParameter("is for people; ask with --json again and again", param_hint="--watch")
    place = Namespace.connect(context, namespace)
    wanted, notes = _wanted(registry, stack_of(stacks, context, namespace), region, service)
    made = states_of_objects(pulumi.Stack.named(stack, None).objects()) if state else None
    # As wide as it is where no person looks: a pipe cuts nothing off.
    console = Console() if sys.stdout.isatty() else Console(width=10_000)

    def seen(before: Look, now: Look) -> tuple[list[ClusterStatus], list[str]]:
        rows = [row for row in statuses(before, now, wanted, made) if cluster in (None, row.cluster)]
        return rows, [*notes, *([now.unasked] if now.unasked else [])]

    looks = _looks(place, service, cluster)
    if watch:
        with suppress(KeyboardInterrupt), Live(console=console, auto_refresh=False) as live:
            for pair in looks:
                live.update(_page(*seen(*pair), with_pods=service is not None), refresh=True)
        return
    rows, told = seen(*next(looks))
    where = f"namespace {namespace} of {context}"
    if service and not rows:
        named = f"cluster {cluster} of service {service}" if cluster else f"service {service}"
        raise RegistryError(f"{named}: neither runs in {where} nor is declared in {registry}")
    if as_json:
        output.emit(as_json=True, data=[asdict(row) for row in rows], text="")
        for note in told:
            typer.echo(f"warning: {note}", err=True)
        return
    if not rows:
        typer.echo(f"nothing of bluegrid runs in {where}")
    console.print(_page(rows, told, with_pods=service is not None))


def _looks(place: Namespace, service: str | None, cluster: str | None) -> Iterator[tuple[Look, Look]]:
    """Yield a look and the one before it, a second apart, for ever."""
    before = look(place, service, cluster)
    while True:
        time.sleep(max(0.0, before.at + APART - time.monotonic()))
        now = look(place, service, cluster)
        yield before, now
        before = now


def _wanted(
    registry: Path, place: Stack | None, region: str | None, service: str | None
) -> tuple[Mapping[str, ServiceState] | None, list[str]]:
    """Return what YAML declares, or why that is not known: at 3 a.m. what runs is told all the same.

    Args:
        registry: the folder of YAML.
        place: the stack that runs there; None: it is not known, and every cluster is as large as YAML says.
        region: where services differ by region, of a place that is not known.
        service: one of them; None: all.
    """
    try:
        loaded = Registry.load(registry)
        if place is not None:
            files = place.services(loaded)
            return _of(states_of_files(files, place.region), service), []
        by_region = [
            file.service.name
            for file in loaded.files
            if file.service and not (isinstance(file.service.live, str) and file.service.regions is None)
        ]
        if by_region and region is None:
            names = ", ".join(by_region)
            raise RegistryError(f"{names}: differ by region; name this one: --region <region>")
    except BluegridError as error:
        first, *_ = str(error).splitlines()
        return None, [f"drift from YAML is not told: {first}"]
    return _of(states_of_registry(loaded, region or ""), service), []


def _of(states: Mapping[str, ServiceState], service: str | None) -> Mapping[str, ServiceState]:
    """Return one service, or all."""
    return {name: state for name, state in states.items() if service in (None, name)}


def _page(rows: Sequence[ClusterStatus], notes: Sequence[str], *, with_pods: bool) -> Group:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("service", "cluster", "version", "route", "ready", "pods", "models"):
        table.add_column(column.upper(), no_wrap=True)
    for column in ("req/s", "err/s", "p99 ms", "age"):
        table.add_column(column.upper(), no_wrap=True, justify="right")
    for row in rows:
        table.add_row(*_cells(row), style=None if row.is_well else "yellow")
    lines = [line for row in rows for line in _remarks(row, with_pods=with_pods)]
    lines += [f"note: {note}" for note in notes]
    return Group(*([table] if rows else []), *(Text(line) for line in lines))


def _cells(row: ClusterStatus) -> list[str]:
    models = "-" if row.models_loaded is None else f"{row.models_loaded}/{row.models_expected or '?'}"
    return [
        row.service,
        row.cluster,
        row.version,
        "[green]live[/]" if row.live else "standby",
        f"{row.ready}/{row.replicas}",
        row.state,
        models,
        *(_number(each) for each in (row.requests_per_second, row.errors_per_second, row.p99_ms)),
        "-" if row.age_seconds is None else age(row.age_seconds),
    ]


def _remarks(row: ClusterStatus, *, with_pods: bool) -> list[str]:
    name = f"{row.service} {row.cluster}"
    lines = [f"why: {name}: {row.why}"] if row.why else []
    lines += [f"drift: {name}: {text}" for text in row.drift]
    for pod in row.pods if with_pods else ():
        restarts = f", {pod.restarts} restarts" if pod.restarts else ""
        ready = "ready" if pod.ready else "not ready"
        why = f": {pod.why}" if pod.why else ""
        lines.append(f"pod {pod.name}: {pod.state}, {ready}, {age(pod.age_seconds)}{restarts}{why}")
    return lines


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def age(seconds: int) -> str:
    """Return an age as kubectl tells it: 42s, 7m, 5h, 3d."""
    for unit, length in (("d", _DAY), ("h", _HOUR), ("m", _MINUTE)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
