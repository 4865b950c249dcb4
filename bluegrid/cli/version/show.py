"""`bluegrid version show`: shows a version."""

from __future__ import annotations

from bluegrid.cli import options, output
from bluegrid.cli.tree import command
from bluegrid.cli.version_rows import row_of
from bluegrid.project import resolve_place
from bluegrid_registry import load_set, open_store, read_commit, read_manifest
from bluegrid_registry.model_types.signature import ModelSignature


@command(epilog="Example: `bluegrid version show g1 v2 --store file:///models`")
def show(
    set_id: options.SetId,
    version_id: options.VersionId,
    stack: options.Stack = None,
    store: options.Store = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Show what the registry, and the store if named, say of VERSION.

    The store is read if --stack or --store names it.
    """
    file = load_set(registry, set_id)
    version = file.version(version_id)
    data = row_of(file, version)
    url = resolve_place(stacks, stack, store=store).store
    if url is not None:
        opened = open_store(url)
        commit = read_commit(opened, set_id, version_id)
        manifest = read_manifest(opened, set_id, version_id, version.manifest)
        signature = manifest.signature or ModelSignature()
        data |= {
            "models": len(manifest.models),
            "bytes": sum(row.raw_length for row in manifest.models),
            "packs": len(manifest.packs),
            "packed_bytes": sum(pack.size for pack in manifest.packs),
            "examples": sum(row.has_examples for row in manifest.models),
            "lineages": sum(row.lineage is not None for row in manifest.models),
            "inputs": [*map(str, signature.inputs)],
            "outputs": [*map(str, signature.outputs)],
            "author": commit.author,
            "published": commit.time.isoformat(),
        }
    output.emit_facts(as_json=as_json, data=data)
