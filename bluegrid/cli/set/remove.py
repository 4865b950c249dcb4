"""`bluegrid set remove`: removes a set from the registry."""

from __future__ import annotations

from typing import Annotated

import typer

from bluegrid.cli import options, output
from bluegrid.cli.tree import command
from bluegrid_registry import remove_set


@command(epilog="Example: `bluegrid set remove g2 --with-versions`")
def remove(
    set_id: options.SetId,
    with_versions: Annotated[
        bool, typer.Option("--with-versions", help="Also if the set has versions.")
    ] = False,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    as_json: options.Json = False,
) -> None:
    """Delete SET's file. A set that is online is refused.

    The store keeps everything: `git revert` brings the set back, `bluegrid store gc` deletes it 30 days
    later.
    """
    remove_set(registry, set_id, with_versions=with_versions)
    kept = "the store keeps it until `bluegrid store gc`, 30 days from its next run"
    output.emit(as_json=as_json, data={"set": set_id}, text=f"set {set_id}: removed; {kept}")
