"""`bluegrid stack move`: moves services to another stack of their namespace, by the stacks' states."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bluegrid.cli import completion, options, output
from bluegrid.cli.pulumi import StackCommands
from bluegrid.cli.tree import command
from bluegrid.project import (
    PLATFORMS,
    Urns,
    config_of,
    reason_of,
    region_names,
    resolve_place,
)
from bluegrid.project.platforms import are_together
from bluegrid.project.stack_files import PREFIX
from bluegrid.project.stack_state import StackState
from bluegrid_registry import ConfigError, load_service, move_service
from bluegrid_registry.contract import OF_PLATFORM, cluster_name
from bluegrid_registry.files import locked, write_whole
from bluegrid_registry.registry_files.registry import paths_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from bluegrid.project import Place, Project

_OF_A_STACK = {f"{PREFIX}{key}" for key in (*OF_PLATFORM, "platform", "region", "registry", "replicas")}
"""Settings that may differ without a change of the services."""


@command(epilog="Example: `bluegrid stack move line-loading --stack north --dest north-lines`")
def move(
    services: Annotated[
        list[str],
        typer.Argument(
            metavar="SERVICE...", help="The services, e.g. line-loading.", autocompletion=completion.services
        ),
    ],
    dest: Annotated[
        str,
        typer.Option(
            metavar="NAME", autocompletion=completion.stacks, help="The stack that gets the services."
        ),
    ],
    stack: options.Stack = None,
    yes: options.Yes = False,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Move services to another stack of the same namespace.

    The registry is edited (`regions`, `live` and `traffic` by region), then Pulumi's states. Nothing in
    Kubernetes changes, and no request fails. If it is interrupted, the same command again completes it; until
    then both stacks refuse to delete or to make the services.
    """
    source, target = (resolve_place(stacks, name) for name in (stack, dest))
    _require_one_namespace(source, target)
    # Without Pulumi the registry would be edited alone.
    project, names = StackCommands.of(source).project, [*dict.fromkeys(services)]
    for name in names:
        load_service(registry, name)
    for difference in _differences(source, target, registry, names):
        output.warn(f"{difference}: the next `pulumi up --stack {dest}` changes the services accordingly")
    moved = _resources(project, source, target, names)
    _confirm(names, source, target, yes=yes)
    edited = _edit_and_move(registry, project, source, target, names, moved)
    what = ", ".join(names)
    text = (
        f"{what}: {source.stack} -> {dest}; commit {', '.join(edited) or registry}; then `pulumi up` "
        f"of both stacks, {dest} first, changes no object"
    )
    data = {"services": names, "from": source.stack, "to": dest, "resources": len(moved)}
    output.emit(as_json=as_json, data=data, text=text)


def _require_one_namespace(source: Place, dest: Place) -> None:
    if source.required_stack == dest.stack:
        raise ConfigError(f"--dest {dest.stack} is the stack itself; name another one")
    if not are_together(source, dest) or source.with_gateway != dest.with_gateway:
        raise ConfigError(
            f"{dest.stack} runs in namespace {dest.namespace} of {dest.context}, and {source.stack} in "
            f"{source.namespace} of {source.context}, or their proxies differ: objects cannot move; make a "
            "stack in the same namespace: bluegrid stack add NAME --platform "
            f"{source.platform or source.stack}"
        )


def _differences(source: Place, dest: Place, registry: Path, names: Sequence[str]) -> Iterator[str]:
    """Yield the settings that differ and concern the services."""
    old, new = (config_of(place.file) for place in (source, dest) if place.file is not None)
    keys = sorted(
        key
        for key in {*old, *new} - _OF_A_STACK
        if key.startswith(PREFIX) and not _is_secret(old.get(key)) and not _is_secret(new.get(key))
    )
    if different := [key for key in keys if old.get(key) != new.get(key)]:
        yield f"{dest.stack} has other settings than {source.stack}: {', '.join(different)}"
    replicas = [config.get(f"{PREFIX}replicas") or {} for config in (old, new)]
    clusters = [
        cluster_name(name, each.id) for name in names for each in load_service(registry, name)[1].clusters
    ]
    if different := [each for each in clusters if len({config.get(each) for config in replicas}) > 1]:
        yield f"{dest.stack} has other {PREFIX}replicas of {', '.join(different)}"


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and "secure" in value


def _resources(project: Project, source: Place, dest: Place, names: Sequence[str]) -> list[str]:
    """Return the URNs of what moves; empty if all services have moved.

    Raises:
        ConfigError: a state cannot be read, is not as after an update, or a service is in none or in both.
    """
    states = {str(place.stack): _state(project, place) for place in (source, dest)}
    if not any(each["type"] in PLATFORMS for each in states[str(dest.stack)].resources):
        raise ConfigError(
            f"stack {dest.stack} was never up; run `pulumi up --stack {dest.stack}` once, without services"
        )
    made = {
        stack: {
            name: Urns(project.name, stack, source.with_gateway).made_for_service(name, state.resources)
            for name in names
        }
        for stack, state in states.items()
    }
    old, new = made[str(source.stack)], made[str(dest.stack)]
    for name in names:
        if bool(old[name]) == bool(new[name]):
            where = "both stacks have" if old[name] else "neither stack has"
            raise ConfigError(f"{where} {name} in their states: see `pulumi stack --show-urns`")
    return [urn for name in names for urn in old[name]]


def _state(project: Project, place: Place) -> StackState:
    state = StackState.read(place.required_stack, project)
    if state is None or not state.resources:
        raise ConfigError(
            f"the state of stack {place.stack} cannot be read, or is empty: pulumi up --stack {place.stack}"
        )
    if state.deployment.get("pending_operations"):
        raise ConfigError(
            f"an update of stack {place.stack} was interrupted; complete it first: pulumi up --refresh "
            f"--stack {place.stack}"
        )
    return state


def _confirm(names: Sequence[str], source: Place, dest: Place, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError("this command asks before it changes anything, and there is no terminal: add --yes")
    if not typer.confirm(f"Move {', '.join(names)} from stack {source.stack} to {dest.stack}?"):
        raise ConfigError("nothing is changed")


def _edit_and_move(
    registry: Path, project: Project, source: Place, dest: Place, names: Sequence[str], urns: Sequence[str]
) -> list[str]:
    """Edit the registry, then the states; return the names of the files that have changed.

    In this order, since an update in between is refused by both stacks: one would delete a live service, the
    other one would make what runs already. The other way round, one stack would delete what it has got.
    """
    before = {file: file.read_bytes() for file in paths_in(registry)}
    unnamed = tuple(sorted(region_names(source.stacks, with_own_platform=True)))
    for name in names:
        move_service(registry, name, str(source.region), str(dest.region), unnamed)
    edited = {file: file.read_bytes() for file, text in before.items() if file.read_bytes() != text}
    if urns:
        command = ["pulumi", "state", "move", "--yes", "--non-interactive"]
        command += ["--source", str(source.stack), "--dest", str(dest.stack), *urns]
        done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            _take_back(registry, before, edited)
            reason = reason_of((done.stdout + done.stderr).splitlines())
            raise ConfigError(f"pulumi state move: {reason}; the registry is as before")
    return [file.name for file in edited]


def _take_back(registry: Path, before: Mapping[Path, bytes], edited: Mapping[Path, bytes]) -> None:
    with locked(registry):
        for file, text in edited.items():
            # Another command may have changed the file meanwhile.
            if file.read_bytes() == text:
                write_whole(file, before[file])
