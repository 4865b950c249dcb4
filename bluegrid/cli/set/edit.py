"""`bluegrid set edit`: changes a set."""

from __future__ import annotations

import typer

from bluegrid.cli import options, set_options
from bluegrid.cli.tree import command
from bluegrid_registry import edit_set


@command(
    epilog="Examples: `bluegrid set edit g1 --name 'Line loading, 110 kV'`, "
    "`bluegrid set edit g1 --kinds mixed`, `bluegrid set edit g1 --trust own_package.Scaler`"
)
def edit(
    set_id: options.SetId,
    name: set_options.Name = None,
    task: set_options.Task = None,
    source: set_options.OfSource = None,
    trust: set_options.Trust = None,
    kinds: set_options.KindsOption = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
) -> None:
    """Change SET's name, task, source or kinds, or trust more names.

    A set's ID and type never change.
    """
    is_mixed = None if kinds is None else kinds is set_options.KindsRule.MIXED
    changed = edit_set(
        registry, set_id, name=name, task=task, source=source, trust=trust or (), is_mixed=is_mixed
    )
    typer.echo(f"set {set_id}: {'changed' if changed else 'nothing to change'}")
