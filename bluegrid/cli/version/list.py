"""`bluegrid version list`: lists the versions of a set."""

from __future__ import annotations

from bluegrid.cli import options, output
from bluegrid.cli.tree import command
from bluegrid.cli.version_rows import row_of
from bluegrid_registry import load_set


@command(epilog="Example: `bluegrid version list g1`")
def list_versions(
    set_id: options.SetId,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    as_json: options.Json = False,
) -> None:
    """List SET's versions, and which clusters serve them."""
    file = load_set(registry, set_id)
    rows = [row_of(file, version) for version in file.versions]
    output.emit_table(as_json=as_json, columns=("version", "updated", "clusters", "manifest"), rows=rows)
