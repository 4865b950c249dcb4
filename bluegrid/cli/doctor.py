"""`bluegrid doctor`: finds faults of Kubernetes, a registry, a store or this machine, with remedies."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bluegrid.cli import options, output
from bluegrid.cli.tree import command
from bluegrid.operations import (
    Diagnosis,
    Namespace,
    check_kubernetes,
    check_programs,
    check_store,
    check_store_of_pods,
)
from bluegrid_registry import BluegridError, Registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@command(epilog="Example: `bluegrid doctor --context north --namespace bluegrid-north`")
def doctor(
    context: options.Context,
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    store: Annotated[
        str | None, typer.Option(envvar="BLUEGRID_STORE", help="The store. Default: not checked.")
    ] = None,
    route_address: Annotated[
        str | None,
        typer.Option(
            envvar="BLUEGRID_ROUTE_ADDRESS",
            help="URL of the routes. Default: the address in the status of the Ingresses.",
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Check Kubernetes, routes, registry, store and programs.

    Your rights are checked too. Each fault is printed with its remedy.

    Writes nothing. Exit code 1 if there is a fault. A risk, such as a live cluster of one pod, is printed and
    is not a fault. What your login cannot check is skipped. The store is read as you and as the pods.
    """
    diagnoses = [*_diagnoses(context, namespace, registry, store, route_address)]
    lines = [f"{_word(each):5} {each.what}: {each.text}" for each in diagnoses]
    output.emit(as_json=as_json, data=[asdict(each) for each in diagnoses], text="\n".join(lines))
    if not all(each.is_well for each in diagnoses):
        raise typer.Exit(1)


def _word(diagnosis: Diagnosis) -> str:
    if diagnosis.is_risk:
        return "RISK"
    if not diagnosis.is_known:
        return "SKIP"
    return "ok" if diagnosis.is_well else "FAULT"


def _diagnoses(
    context: str, namespace: str, registry: Path, store: str | None, route_address: str | None
) -> Iterator[Diagnosis]:
    try:
        place = Namespace.connect(context, namespace)
        yield from check_kubernetes(place, route_address)
        yield from check_store_of_pods(place)
    except BluegridError as error:
        yield Diagnosis("kube context", is_well=False, text=str(error))
    try:
        loaded = Registry.load(registry)
        yield Diagnosis("registry", is_well=True, text=f"{registry}: {len(loaded.files)} model sets")
        if store:
            yield from check_store(store, loaded)
    except BluegridError as error:
        for line in str(error).splitlines():
            yield Diagnosis("registry", is_well=False, text=line)
    yield from check_programs()
