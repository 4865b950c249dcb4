"""`bluegrid model find`: finds the sets that have a model."""

from __future__ import annotations

from typing import Annotated

import typer

from bluegrid.cli import options, output, set_options
from bluegrid.cli.model_rows import row_of
from bluegrid.cli.set_rows import fitting
from bluegrid.cli.tree import command
from bluegrid.project import resolve_place
from bluegrid_registry import open_store, read_manifest
from bluegrid_registry.transfer.selection import uids_matching


@command(epilog="Example: `bluegrid model find 'line-9*' --framework scikit-learn`")
def find(
    uid: Annotated[str, typer.Argument(metavar="UID", help="The device, or all that `line-9*` matches.")],
    framework: set_options.OfFramework = None,
    model_type: set_options.OfType = None,
    source: set_options.OfSource = None,
    stack: options.Stack = None,
    store: options.Store = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Find which sets have models of UID, in the newest version of each."""
    url = resolve_place(stacks, stack, store=store, only_reads=True).required_store
    opened = open_store(url)
    rows = []
    for file in fitting(registry, framework, model_type, source):
        if version := file.newest:
            manifest = read_manifest(opened, file.set.id, version.id, version.manifest)
            place = {"set": file.set.id, "version": version.id}
            matching = {*uids_matching({row.uid for row in manifest.models}, uid)}
            rows += [place | row_of(row) for row in manifest.models if row.uid in matching]
    output.emit_table(
        as_json=as_json, columns=("set", "version", "uid", "bytes", "example", "sha256"), rows=rows
    )
