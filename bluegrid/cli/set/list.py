"""`bluegrid set list`: lists the sets of a registry."""

from __future__ import annotations

from bluegrid.cli import options, output, set_options
from bluegrid.cli.set_rows import fitting, row_of
from bluegrid.cli.tree import command


@command(epilog="Example: `bluegrid set list --framework scikit-learn --source user`")
def list_sets(
    framework: set_options.OfFramework = None,
    model_type: set_options.OfType = None,
    source: set_options.OfSource = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    as_json: options.Json = False,
) -> None:
    """List the sets, all or those that match."""
    columns = ("set", "name", "task", "type", "source", "versions", "newest", "service")
    rows = [row_of(file) for file in fitting(registry, framework, model_type, source)]
    output.emit_table(as_json=as_json, columns=columns, rows=rows)
