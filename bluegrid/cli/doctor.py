"""`bluegrid doctor`: finds faults of Kubernetes, a registry, a store or this machine, with remedies."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from bluegrid.cli import options, output
from bluegrid.cli.place import connect
from bluegrid.cli.tree import command
from bluegrid.operations import (
    Diagnosis,
    check_kubernetes,
    check_programs,
    check_store,
    check_store_of_pods,
)
from bluegrid.project import config_of, resolve_place
from bluegrid.project.new_stack import missing_settings, secret_settings
from bluegrid.project.platforms import platform_faults
from bluegrid.project.stack_files import PREFIX
from bluegrid_registry import BluegridError, Registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bluegrid.project import Place


@command(epilog="Example: `bluegrid doctor --stack north`")
def doctor(
    stack: options.Stack = None,
    context: options.Context = None,
    kubeconfig: options.Kubeconfig = None,
    namespace: options.Namespace = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    store: options.Store = None,
    route_address: options.RouteAddress = None,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Check Kubernetes, routes, registry, store and programs.

    Your rights are checked too. Each fault is printed with its remedy.

    Writes nothing. Exit code 1 if there is a fault. A risk, such as a live cluster of one pod, is printed and
    is not a fault. What your login cannot check is skipped. The store is read as you and as the pods.
    """
    place = resolve_place(
        stacks,
        stack,
        context=context,
        kubeconfig=kubeconfig,
        namespace=namespace,
        store=store,
        route_address=route_address,
        only_reads=True,
    )
    diagnoses = [*_diagnoses(place, registry, stacks)]
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


def _diagnoses(place: Place, registry: Path, stacks: Path) -> Iterator[Diagnosis]:
    if place.file is not None:
        yield from _settings(place.file, str(place.stack))
        if place.platform is not None and place.stack is not None:
            for fault in platform_faults(stacks, place.stack):
                yield Diagnosis(f"stack {place.stack}", is_well=False, text=fault)
    try:
        namespace = connect(place)
        yield from check_kubernetes(namespace, place.route_address)
        yield from check_store_of_pods(namespace)
    except BluegridError as error:
        yield Diagnosis("kube context", is_well=False, text=str(error))
    try:
        loaded = Registry.load(registry)
        yield Diagnosis("registry", is_well=True, text=f"{registry}: {len(loaded.files)} model sets")
        if place.store is not None:
            yield from check_store(place.store, loaded)
    except BluegridError as error:
        for line in str(error).splitlines():
            yield Diagnosis("registry", is_well=False, text=line)
    yield from check_programs()


def _settings(file: Path, stack: str) -> Iterator[Diagnosis]:
    """Check that a stack has what `pulumi up` refuses to do without, and that pods can read its store."""
    what, config = f"stack {stack}", config_of(file)
    values = {key.removeprefix(PREFIX): value for key, value in config.items() if key.startswith(PREFIX)}
    secrets = secret_settings()
    for key in missing_settings(values):
        secret = "--secret " if key in secrets else ""
        remedy = f"pulumi config set {secret}--stack {stack} {PREFIX}{key} VALUE"
        yield Diagnosis(what, is_well=False, text=f"{PREFIX}{key} is not set in {file}: {remedy}")
    # The stack whose platform is used says how pods read the store.
    needs_account = str(values.get("store", "")).startswith("s3:") and not values.get("platform")
    if needs_account and not (values.get("storeAccessKey") or values.get("serviceAccountAnnotations")):
        text = (
            f"pods have neither {PREFIX}storeAccessKey and storeSecretKey nor an identity by "
            f"{PREFIX}serviceAccountAnnotations in {file}, so that they read the store only if the cluster "
            f"gives them one; to set keys: pulumi config set --secret --stack {stack} {PREFIX}storeAccessKey"
        )
        yield Diagnosis(what, is_well=True, text=text, is_risk=True)
