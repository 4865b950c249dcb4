"""`bluegrid store gc`: deletes what no version needs any more."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bluegrid.cli import completion, options, output
from bluegrid.cli.tree import command
from bluegrid.project import resolve_place
from bluegrid_registry import Registry, collect_garbage, open_store
from bluegrid_registry.counts import counted

if TYPE_CHECKING:
    from bluegrid_registry import GarbageReport


@command(epilog="Example: `bluegrid store gc --registry main/registry --delete`")
def collect(
    sets: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SET]...", help="Default: every set.", autocompletion=completion.sets),
    ] = None,
    registries: Annotated[
        list[Path] | None,
        typer.Option(
            "--registry",
            envvar="BLUEGRID_REGISTRY",
            help="Keep what these folders of registry files name; one for each region or branch.",
        ),
    ] = None,
    stack: options.Stack = None,
    store: options.Store = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete; without this option nothing is written.")
    ] = False,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Find what no version needs any more; with --delete, delete it.

    Pushes and fetches may run meanwhile.

    A version that no --registry names is marked as removed and deleted 30 days later, unless one names it
    again. What killed pushes left behind is deleted after 30 days.
    """
    url = resolve_place(stacks, stack, store=store, only_reads=not delete).required_store
    loaded = [Registry.load(folder) for folder in registries or (options.DEFAULT_REGISTRY,)]
    known = sorted({file.set.id for registry in loaded for file in registry.files})
    opened = open_store(url)
    reports = [collect_garbage(opened, set_id, loaded, apply=delete) for set_id in sets or known]
    output.emit(
        as_json=as_json,
        data=[_garbage_data(report) for report in reports],
        text="\n".join(map(_garbage, reports)),
    )


def _garbage_data(report: GarbageReport) -> dict[str, Any]:
    return asdict(report) | {"waiting": {name: until.isoformat() for name, until in report.waiting.items()}}


def _garbage(report: GarbageReport) -> str:
    size = f"{counted(len(report.deleted), 'object')}, {report.deleted_bytes / 1e6:.1f} MB"
    done = f"{size} deleted" if report.applied else f"{size} would go; --delete deletes them"
    return output.with_lists(
        f"set {report.set}: {counted(report.versions, 'version')} kept; {done}",
        {
            "removed, kept until": [f"{until:%Y-%m-%d}: {name}" for name, until in report.waiting.items()],
            "named again": report.revived,
            "removed 30 days ago, goes now": report.expired,
        },
    )
