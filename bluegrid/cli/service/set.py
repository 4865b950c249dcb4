"""`bluegrid service set`: sets keys of a service."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bluegrid.cli import options, regions
from bluegrid.cli.edits import Edited, apply, in_words
from bluegrid.cli.tree import command
from bluegrid.project import WholeServices, resolve_place
from bluegrid_registry import edit_service
from bluegrid_registry.registry_files.edits.values import SERVICE, parse_edits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bluegrid_registry import ValueEdit


@command(
    epilog="Examples: `bluegrid service set line-loading standbyReplicas=0`, "
    "`bluegrid service set line-loading regions=north,east`, `bluegrid service set line-loading regions-`"
)
def set_values(
    service: options.Service,
    values: options.ServiceValues,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    up: options.Up = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    stack: options.Stack = None,
    config_file: options.ConfigFile = None,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Set keys of SERVICE in YAML: `regions`, `standbyReplicas`.

    KEY=VALUE sets a key, KEY- removes it. A list is `a,b`. `switch`, `service traffic` and `cluster set`
    change the rest.
    """
    edits = parse_edits(SERVICE, values)
    regions.require_named(edits, stacks, config_file)
    edit = partial(_edited, service, edits)
    place = resolve_place(stacks, stack, config_file=config_file)
    changed = WholeServices((service,))
    apply(edit, registry, place, changed=changed, up=up, dry_run=dry_run, yes=yes, as_json=as_json)


def _edited(service: str, edits: Sequence[ValueEdit], folder: Path) -> Edited | None:
    old, new = edit_service(folder, service, edits)
    return in_words(service, edits, old, new)
