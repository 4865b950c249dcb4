"""`bluegrid check`: finds mistakes in registry files, and previews that break a rule."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated

import typer

from bluegrid.cli import options, output
from bluegrid.cli.tree import command
from bluegrid.project import check_images, region_names
from bluegrid.project.platforms import check_platforms
from bluegrid_registry import Registry, check_regions
from bluegrid_registry.counts import counted

if TYPE_CHECKING:
    from collections.abc import Sequence


@command(epilog="Example: `bluegrid check --preview preview-north.json`")
def check(
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    preview: Annotated[
        list[Path] | None,
        typer.Option(help="Also check the output of `pulumi preview --json --show-sames` by the rules."),
    ] = None,
    allow_delete: Annotated[
        list[str] | None,
        typer.Option(metavar="SERVICE", help="A live service that the previews may delete or rename."),
    ] = None,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Report every mistake in the registry files, with file and line.

    Regions must be those of the stacks' files, where there are any, and a stack with `images` must have one
    for every set that its region serves.
    """
    loaded = Registry.load(registry)
    files = loaded.files
    if known := region_names(stacks):
        check_regions(registry, known)
        check_images(stacks, loaded)
        check_platforms(stacks)
    if preview:
        _check_previews(preview, allow_delete or ())
    services = sum(file.service is not None for file in files)
    data = {"registry": str(registry), "sets": len(files), "services": services}
    text = f"{registry}: {counted(len(files), 'model set')}, {counted(services, 'service')}, no mistakes"
    output.emit(as_json=as_json, data=data, text=text)


def _check_previews(paths: Sequence[Path], allow_delete: Sequence[str]) -> None:
    """Raise PolicyError for what the previews have that a mandatory rule forbids; print other findings."""
    # Imported here, because most runs check no preview.
    from bluegrid.previews import Level, PolicyError, check_plan, read_plan

    refused = []
    for path in paths:
        plan = read_plan(path)
        refused += [f"{path}: {error}" for error in plan.errors]
        for finding in check_plan(plan, allow_delete):
            if finding.level is Level.MANDATORY:
                refused.append(f"{path}: {finding}")
            else:
                output.warn(f"{path}: {finding}")
    if refused:
        raise PolicyError("\n".join(refused))
