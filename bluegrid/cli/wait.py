"""`bluegrid wait`: waits until a cluster is ready or live."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bluegrid.cli import durations, options, output
from bluegrid.cli.place import connect
from bluegrid.cli.tree import command
from bluegrid.operations import Wait, WaitGoal, nothing_runs, statuses, take_snapshot, wait_until
from bluegrid.project import resolve_place
from bluegrid.states import states_of_offered
from bluegrid_registry import BluegridError, Registry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bluegrid.operations import ClusterStatus, Snapshot
    from bluegrid.project import Place
    from bluegrid.states import ServiceState


@command(
    epilog="Examples: `bluegrid wait line-loading d2 --timeout 10m && bluegrid switch line-loading d2 --up`, "
    "`bluegrid wait line-loading --for live`, `bluegrid wait line-loading d1 --for delete`"
)
def wait(
    service: options.Service,
    cluster: options.OneCluster = None,
    goal: Annotated[
        WaitGoal,
        typer.Option(
            "--for",
            help="ready: all pods are ready, with the declared version; live: the URL leads to the cluster; "
            "delete: nothing is left.",
        ),
    ] = WaitGoal.READY,
    timeout: Annotated[
        str, typer.Option(metavar="TIME", help="How long at most: 90s, 10m, 1h; 0: look once.")
    ] = "30s",
    stack: options.Stack = None,
    context: options.Context = None,
    kubeconfig: options.Kubeconfig = None,
    namespace: options.Namespace = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    region: options.Region = None,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Wait until SERVICE's clusters, or one, are ready, live or gone.

    What is missing is printed on standard error whenever it changes. Exit code 1 if the time is over.
    """
    seconds = durations.seconds(timeout, "--timeout")
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
    declared = _declared(registry, place, service)
    is_declared = declared is not None and cluster in (None, *declared.clusters)
    if goal is not WaitGoal.DELETE and not is_declared and not _runs(take_snapshot(api, service), cluster):
        raise nothing_runs(api, service, cluster)
    now = wait_until(api, Wait(goal, service, cluster, declared), seconds, _Printer().show)
    rows = [row for row in statuses(now, now, None) if cluster in (None, row.cluster)]
    lines = [f"{service} {row.cluster}: {_in_words(row)}" for row in rows]
    if goal is WaitGoal.DELETE:
        lines = [f"{' '.join([service, *([cluster] if cluster else [])])}: deleted"]
    output.emit(as_json=as_json, data=[asdict(row) for row in rows], text="\n".join(lines))


class _Printer:
    """Prints what is missing on standard error, each text once in a row."""

    def __init__(self) -> None:
        self._printed: Mapping[str, str] = {}

    def show(self, lacking: Mapping[str, str]) -> None:
        for name, reason in lacking.items():
            if self._printed.get(name) != reason:
                typer.echo(f"{name}: {reason}", err=True)
        self._printed = dict(lacking)


def _declared(registry: Path, place: Place, service: str) -> ServiceState | None:
    """Return the service in YAML; None, with a warning, if YAML is not known."""
    try:
        return states_of_offered(place.offered(Registry.load(registry))).get(service)
    except BluegridError as error:
        first, *_ = str(error).splitlines()
        output.warn(f"the declared version is not known, any will do: {first}")
        return None


def _runs(now: Snapshot, cluster: str | None) -> bool:
    return any(cluster in (None, row.cluster) for row in statuses(now, now, None))


def _in_words(row: ClusterStatus) -> str:
    route = "live" if row.live else "standby"
    return f"{route}, version {row.version}, {row.ready}/{row.replicas} pods ready"
