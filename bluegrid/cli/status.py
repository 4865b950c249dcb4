"""`bluegrid status`: shows what runs in Kubernetes, and drift from the registry."""

from __future__ import annotations

import itertools
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bluegrid.cli import options, output, pulumi
from bluegrid.cli.place import connect
from bluegrid.cli.tree import command
from bluegrid.operations import nothing_runs, outages, statuses, take_snapshot
from bluegrid.project import resolve_place
from bluegrid.project.platforms import neighbours_of, services_of
from bluegrid.states import states_of_objects, states_of_offered
from bluegrid_registry import BluegridError, Registry, RegistryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from bluegrid.operations import ClusterStatus, Namespace, Snapshot
    from bluegrid.project import Place
    from bluegrid.states import ServiceState

APART = 1.0
"""Seconds between two snapshots, over which traffic is measured."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


@command(epilog="Example: `bluegrid status line-loading --stack north --watch`")
def status(
    service: options.OneService = None,
    cluster: options.OneCluster = None,
    stack: options.Stack = None,
    context: options.Context = None,
    kubeconfig: options.Kubeconfig = None,
    namespace: options.Namespace = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    region: options.Region = None,
    state: Annotated[
        bool, typer.Option("--stack-state", help="Also read the stack's state, and print the cause of drift.")
    ] = False,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Repeat every second, until Ctrl-C.")] = False,
    as_json: options.Json = False,
) -> None:
    """Show what is live, pods, models, traffic, and drift from YAML.

    Shown is every cluster of every service, and why pods wait.

    Traffic is that of one second (with --watch, since the last snapshot), read from the pods through the API
    server's proxy. Without the rights `get` and `create` on pods/proxy, everything else is shown.
    """
    if watch and as_json:
        raise typer.BadParameter("is for people; run it repeatedly with --json instead", param_hint="--watch")
    place = resolve_place(
        stacks,
        stack,
        context=context,
        kubeconfig=kubeconfig,
        namespace=namespace,
        region=region,
        only_reads=True,
    )
    api = connect(place)
    declared_states, elsewhere, notes = _declared(registry, place, service)
    made = states_of_objects(pulumi.StackCommands.of(place).objects()) if state else None

    def read(before: Snapshot, now: Snapshot) -> _Reading:
        found = statuses(before, now, declared_states, made, place.origin)
        rows = [row for row in found if row.service not in elsewhere]
        return _Reading(
            [row for row in rows if cluster in (None, row.cluster)],
            outages(rows, now),
            [*notes, *([now.report_fault] if now.report_fault else [])],
        )

    snapshots = _snapshots(api, service, cluster)
    before, now = next(snapshots)
    if now.is_empty:
        api.require()
    reading = read(before, now)
    if service and not reading.rows:
        raise _unknown(api, registry, declared_states, service, cluster)
    if watch:
        with suppress(KeyboardInterrupt):
            readings = itertools.chain([reading], itertools.starmap(read, snapshots))
            _watch(readings, with_pods=service is not None)
        return
    if as_json:
        output.emit(as_json=True, data=[asdict(row) for row in reading.rows], text="")
        for line in (*reading.outages, *reading.notes):
            typer.echo(f"warning: {line}", err=True)
        return
    if now.is_empty:
        typer.echo(f"nothing of {service or 'bluegrid'} runs in namespace {api.name} of {api.context}")
    output.wide_console().print(_page(reading, with_pods=service is not None))


@dataclass(frozen=True)
class _Reading:
    """The result of two snapshots: clusters, outages of services, and notes on what is not known."""

    rows: Sequence[ClusterStatus]
    outages: Sequence[str]
    notes: Sequence[str]


def _watch(readings: Iterable[_Reading], *, with_pods: bool) -> None:
    """Show each reading in place of the one before it, or below it where the output is not a terminal."""
    if not sys.stdout.isatty():
        for reading in readings:
            output.wide_console().print(_page(reading, with_pods=with_pods))
            sys.stdout.flush()
        return
    with Live(auto_refresh=False) as live:
        for reading in readings:
            live.update(_page(reading, with_pods=with_pods), refresh=True)


def _unknown(
    api: Namespace,
    registry: Path,
    declared_states: Mapping[str, ServiceState] | None,
    service: str,
    cluster: str | None,
) -> BluegridError:
    """Return the error for a name that neither runs nor is declared; it lists the known names."""
    if cluster and declared_states and service in declared_states:
        declared = ", ".join(declared_states[service].clusters)
        return RegistryError(
            f"service {service}: has no cluster {cluster}, neither in namespace {api.name} of "
            f"{api.context} nor in {registry}; declared: {declared}"
        )
    return nothing_runs(api, service, cluster)


def _snapshots(
    api: Namespace, service: str | None, cluster: str | None
) -> Iterator[tuple[Snapshot, Snapshot]]:
    """Yield, without end, the previous snapshot and a new one, a second apart."""
    before = take_snapshot(api, service, cluster)
    while True:
        time.sleep(max(0.0, before.at + APART - time.monotonic()))
        now = take_snapshot(api, service, cluster)
        yield before, now
        before = now


def _declared(
    registry: Path, place: Place, service: str | None
) -> tuple[Mapping[str, ServiceState] | None, frozenset[str], list[str]]:
    """Return services in YAML, those of other stacks in the namespace, or why they are not known.

    What runs is shown in any case.

    Args:
        registry: the folder of YAML.
        place: the region; without a stack, sizes of clusters are as in YAML.
        service: the service; None: all.
    """
    try:
        loaded = Registry.load(registry)
        declared = states_of_offered(place.offered(loaded))
    except BluegridError as error:
        first, *_ = str(error).splitlines()
        return None, frozenset(), [f"drift from YAML is not known: {first}"]
    # One that is named is shown, whichever stack has it.
    others = neighbours_of(place, place.stacks) if place.stack is not None and service is None else []
    return _of(declared, service), services_of(others, place, loaded), []


def _of(states: Mapping[str, ServiceState], service: str | None) -> Mapping[str, ServiceState]:
    """Return one service, or all."""
    return {name: state for name, state in states.items() if service in (None, name)}


def _page(reading: _Reading, *, with_pods: bool) -> Group:
    table, rows = Table(box=None, pad_edge=False, header_style="bold"), reading.rows
    # When a narrow terminal is redrawn, the last columns are cut, never the names.
    for column in ("service", "cluster", "version"):
        widest = max((len(getattr(row, column)) for row in rows), default=0)
        table.add_column(column.upper(), no_wrap=True, min_width=widest)
    for column in ("route", "ready", "pods", "models"):
        table.add_column(column.upper(), no_wrap=True)
    for column in ("req/s", "4xx/s", "err/s", "p99 ms", "age"):
        table.add_column(column.upper(), no_wrap=True, justify="right")
    table.add_column("URL", no_wrap=True)
    for row in rows:
        table.add_row(*_cells(row), style=None if row.is_well else "yellow")
    lines = [line for row in rows for line in _remarks(row, with_pods=with_pods)]
    lines += [f"note: {note}" for note in reading.notes]
    return Group(
        *(Text(f"outage: {line}", style="bold red") for line in reading.outages),
        *([table] if rows else []),
        *(Text(line) for line in lines),
    )


def _cells(row: ClusterStatus) -> list[str | Text]:
    models = "-" if row.models_loaded is None else f"{row.models_loaded}/{row.models_expected or '?'}"
    return [
        row.service,
        row.cluster,
        row.version,
        "[green]live[/]" if row.live else "standby",
        f"{row.ready}/{row.replicas}",
        row.state,
        models,
        *map(_number, (row.requests_per_second, row.refused_per_second, row.errors_per_second, row.p99_ms)),
        "-" if row.age_seconds is None else age(row.age_seconds),
        # A plain string is markup, in which an IPv6 address would be a style.
        Text(row.url if row.live and row.url else "-"),
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
    """Return an age as kubectl prints it: 42s, 7m, 5h, 3d."""
    for unit, length in (("d", _DAY), ("h", _HOUR), ("m", _MINUTE)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
