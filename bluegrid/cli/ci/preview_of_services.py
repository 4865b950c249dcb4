"""Previews some services of a stack, in a copy of the stack that has no others."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic_core import from_json
from ruamel.yaml import YAML

from bluegrid.cli.ci.concerned import registry_files_of, registry_of_stack, scope_of
from bluegrid.previews import Excerpt
from bluegrid.project import pulumi_environment
from bluegrid.project.git_changes import BaseCommit
from bluegrid.project.programs import not_on_path
from bluegrid.project.stack_files import PREFIX, file_of
from bluegrid.project.stack_state import StackState
from bluegrid.states import KubernetesObject
from bluegrid_registry import ConfigError
from bluegrid_registry.contract import cluster_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bluegrid.project import Project

_QUOTA = "kubernetes:core/v1:ResourceQuota"
_OF_QUOTAS = ("kubernetes:apps/v1:Deployment", "kubernetes:autoscaling/v2:HorizontalPodAutoscaler")
"""What the rules about quotas add up, of all services."""


def preview_of_services(
    project: Project, stack: str, services: Sequence[str], base: BaseCommit, command: Sequence[str]
) -> bytes | None:
    """Return the JSON of a preview of some services, with a note of what it covers.

    Args:
        project: of the stack.
        stack: its name.
        services: their names, declared or not any more.
        base: the commit that the services were found by.
        command: `pulumi preview`, with its options.

    Returns:
        None if the preview fails, or there is no copy of the stack: it was never made, or Pulumi Cloud
        encrypts its secrets. A preview of all services then says what is wrong.

    Raises:
        ConfigError: there is no `pulumi`, or a file of the project cannot be read.
    """
    if not services:
        return _with_excerpt(b"{}", Excerpt(services=()))
    state = StackState.read(stack, project)
    if state is None or not state.can_be_copied:
        return None
    with tempfile.TemporaryDirectory(prefix="bluegrid-preview-") as folder:
        backend = Path(folder) / "backend"
        state.with_services(services).write(backend, project.name, stack)
        settings = _write_settings(project, stack, services, Path(folder))
        with pulumi_environment({"PULUMI_BACKEND_URL": f"file://{backend}"}) as environment:
            try:
                done = subprocess.run(
                    [*command, "--stack", stack, "--config-file", str(settings)],
                    cwd=project.folder,
                    env=environment,
                    stdout=subprocess.PIPE,
                    check=False,
                )
            except FileNotFoundError:
                raise not_on_path("pulumi") from None
    if done.returncode != 0:
        return None
    excerpt = Excerpt(
        services=tuple(services),
        applied=state.applied_commit,
        waiting=_waiting(project, stack, services, state.applied_commit, base),
        others=tuple(_others(state, services)),
    )
    return _with_excerpt(done.stdout, excerpt)


def _write_settings(project: Project, stack: str, services: Sequence[str], folder: Path) -> Path:
    """Write a copy of the stack's file with a registry of these services alone; return its path."""
    registry = folder / "registry"
    registry.mkdir()
    clusters = set()
    for path, file in registry_files_of(registry_of_stack(project, stack), services):
        (registry / path.name).symlink_to(path)
        if file.service is not None:
            clusters |= {cluster_name(file.service.name, each.id) for each in file.service.clusters}
    yaml, copy = YAML(), folder / f"Pulumi.{stack}.yaml"
    document = yaml.load(file_of(project.stacks, stack))
    config = document["config"]
    config[f"{PREFIX}registry"] = str(registry)
    # The program refuses numbers of pods of clusters that the registry does not have.
    replicas = config.get(f"{PREFIX}replicas") or {}
    for name in [name for name in replicas if name not in clusters]:
        del replicas[name]
    with copy.open("w", encoding="utf-8") as written:
        yaml.dump(document, written)
    return copy


def _waiting(
    project: Project, stack: str, services: Sequence[str], applied: str | None, base: BaseCommit
) -> tuple[str, ...] | None:
    """Return what else differs from the commit that was applied last; None: that commit is not known."""
    if applied is None:
        return None
    try:
        scope = scope_of(project, stack, BaseCommit(base.clone, applied))
    except ConfigError:
        return None
    return scope.reasons or tuple(name for name in scope.services if name not in services)


def _others(state: StackState, services: Sequence[str]) -> Iterator[KubernetesObject]:
    """Yield what other services take of a quota; nothing if the stack has none."""
    if any(each["type"] == _QUOTA for each in state.resources):
        for each in state.of_others(services):
            if each["type"] in _OF_QUOTAS:
                yield KubernetesObject(type=each["type"], inputs=each.get("inputs") or {})


def _with_excerpt(preview: bytes, excerpt: Excerpt) -> bytes:
    """Return the JSON of a preview with what it covers."""
    return json.dumps({**from_json(preview), "bluegrid": excerpt.model_dump(mode="json")}).encode()
