"""`bluegrid model list`: lists the models of a version."""

from __future__ import annotations

from typing import Annotated

import typer

from bluegrid.cli import options, output
from bluegrid.cli.model_rows import row_of
from bluegrid.cli.tree import command
from bluegrid.project import resolve_place
from bluegrid_registry import load_set, open_store, read_manifest, selected


@command(epilog="Example: `bluegrid model list g1 v2 --only 'line-9*'`")
def list_models(
    set_id: options.SetId,
    version_id: options.VersionId,
    only: Annotated[
        list[str] | None, typer.Option(metavar="UID", help="Only this model, or all that `line-9*` matches.")
    ] = None,
    stack: options.Stack = None,
    store: options.Store = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """List the models of VERSION, all or those that match."""
    url = resolve_place(stacks, stack, store=store, only_reads=True).required_store
    version = load_set(registry, set_id).version(version_id)
    manifest = read_manifest(open_store(url), set_id, version_id, version.manifest)
    uids = selected(manifest, only) if only else None
    rows = [row_of(row) for row in manifest.models if uids is None or row.uid in uids]
    output.emit_table(as_json=as_json, columns=("uid", "bytes", "example", "sha256"), rows=rows)
