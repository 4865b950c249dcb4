"""Names that a shell completes, read from the registry and the stacks' files.

A shell calls these at each press of the tab key. So they read the text that they need, check nothing, and
complete nothing where something cannot be read.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer  # noqa: TC002 - it reads the annotations of these functions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEFAULT_REGISTRY = Path("registry")


def sets(context: typer.Context, incomplete: str) -> list[str]:
    """Return the IDs of the sets: a set's file has its ID as name."""
    return _starting(incomplete, lambda: [path.stem for path in _files(context)])


def versions(context: typer.Context, incomplete: str) -> list[str]:
    """Return the IDs of the versions of the set, or of the service's set, that the command names."""
    return _starting(incomplete, lambda: _ids(_file(context).get("versions")))


def services(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of the services."""
    return _starting(incomplete, lambda: [service["name"] for service in _services(context)])


def clusters(context: typer.Context, incomplete: str) -> list[str]:
    """Return the IDs of the clusters of the service that the command names; of all if it names none."""
    return _starting(incomplete, lambda: _clusters(context))


def stacks(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of the stacks that have a file."""

    def found() -> list[str]:
        from bluegrid.project import Project, stack_names

        folder: Path | None = context.params.get("stacks")
        return stack_names(folder or Project.find().stacks)

    return _starting(incomplete, found)


def cluster_keys(incomplete: str) -> list[str]:
    """Return the keys of a cluster, as `cluster set` takes them."""
    return _keys(("service", "clusters"), incomplete, "id")


def service_keys(incomplete: str) -> list[str]:
    """Return the keys of a service, as `service set` takes them."""
    return _keys(("service",), incomplete, "name", "live", "traffic", "clusters")


def set_keys(incomplete: str) -> list[str]:
    """Return the keys of a set, as `set edit` takes them."""
    return _keys(("set",), incomplete, "id", "type")


def _keys(row: tuple[str, ...], incomplete: str, *own: str) -> list[str]:
    """Return `key=` for each key of a row, but not for those that other commands change."""

    def found() -> list[str]:
        from bluegrid_registry.registry_files.edits.values import settable_keys

        return [f"{key}=" for key in settable_keys(row) if key.partition(".")[0] not in own]

    return _starting(incomplete, found)


def _starting(incomplete: str, read: Callable[[], list[Any]]) -> list[str]:
    """Return the names that start with what is typed; none if they cannot be read."""
    with suppress(Exception):
        return sorted({str(name) for name in read() if str(name).startswith(incomplete)})
    return []


def _typed(context: typer.Context, name: str) -> str | None:
    """Return the value of an argument that stands in the line already."""
    if context.params.get(name) is not None:
        return str(context.params[name])
    # Behind an option without its value, arguments are not assigned yet.
    names = [each.name for each in context.command.params if each.param_type_name == "argument"]
    place = names.index(name) if name in names else len(context.args)
    return context.args[place] if place < len(context.args) else None


def _files(context: typer.Context) -> list[Path]:
    from bluegrid_registry.registry_files.registry import paths_in

    folders = context.params.get("registries") or [context.params.get("registry") or DEFAULT_REGISTRY]
    return [path for folder in folders for path in paths_in(folder)]


def _services(context: typer.Context) -> Iterator[dict[str, Any]]:
    from bluegrid_registry.registry_files.yaml_source import block_of, read_yaml

    for path in _files(context):
        data = read_yaml(block_of(path.read_text(encoding="utf-8"), "service")).data
        if service := (data or {}).get("service"):
            yield service


def _file(context: typer.Context) -> dict[str, Any]:
    """Return the data of the file of the set, or of the service, that the command names."""
    from bluegrid_registry.registry_files.yaml_source import read_yaml

    named, service = _typed(context, "set_id"), _typed(context, "service")
    texts = (path.read_text(encoding="utf-8") for path in _files(context) if named in (None, path.stem))
    files = (read_yaml(text).data for text in texts if named or str(service) in text)
    return next(data for data in files if named or data["service"]["name"] == service)


def _clusters(context: typer.Context) -> list[str]:
    named = _typed(context, "service")
    return [
        cluster_id
        for service in _services(context)
        if named in (None, service["name"])
        for cluster_id in _ids(service.get("clusters"))
    ]


def _ids(rows: list[dict[str, Any]] | None) -> list[str]:
    return [row["id"] for row in rows or ()]
