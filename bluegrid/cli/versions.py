"""`bluegrid version`: the versions of a set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bluegrid.cli import options, output, version_diff
from bluegrid_registry import Registry, open_store, read_commit, read_manifest, remove_version
from bluegrid_registry.model_types.signature import ModelSignature

if TYPE_CHECKING:
    from bluegrid_registry import RegistryFile, Version

app = typer.Typer(name="version", help="List, compare and remove versions.", no_args_is_help=True)
app.command(epilog="Example: `bluegrid version diff g1 v1 v2`")(version_diff.diff)


@app.command("list", epilog="Example: `bluegrid version list g1`")
def list_versions(
    set_id: options.SetId,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    as_json: options.Json = False,
) -> None:
    """List SET's versions, and which clusters serve them."""
    file = Registry.load(registry).of_set(set_id)
    rows = [_row(file, version) for version in file.versions]
    output.emit_table(as_json=as_json, columns=("version", "updated", "clusters", "manifest"), rows=rows)


def _row(file: RegistryFile, version: Version) -> dict[str, Any]:
    clusters = file.service.clusters if file.service else ()
    return {
        "version": version.id,
        "updated": version.updated.isoformat(),
        "clusters": [cluster.id for cluster in clusters if cluster.version == version.id],
        "manifest": version.manifest,
    }


@app.command(epilog="Example: `bluegrid version show g1 v2 --store file:///models`")
def show(
    set_id: options.SetId,
    version_id: options.VersionId,
    store: Annotated[
        str | None, typer.Option(envvar="BLUEGRID_STORE", help="Also show what the store has of the version.")
    ] = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    as_json: options.Json = False,
) -> None:
    """Show what the registry, and the store if it is named, say about VERSION."""
    file = Registry.load(registry).of_set(set_id)
    version = file.version(version_id)
    data = _row(file, version)
    if store:
        opened = open_store(store)
        commit = read_commit(opened, set_id, version_id)
        manifest = read_manifest(opened, set_id, version_id, version.manifest)
        signature = manifest.signature or ModelSignature()
        data |= {
            "models": len(manifest.models),
            "bytes": sum(row.raw_length for row in manifest.models),
            "packs": len(manifest.packs),
            "packed_bytes": sum(pack.size for pack in manifest.packs),
            "examples": sum(row.has_examples for row in manifest.models),
            "inputs": [*map(str, signature.inputs)],
            "outputs": [*map(str, signature.outputs)],
            "author": commit.author,
            "published": commit.time.isoformat(),
        }
    output.emit_facts(as_json=as_json, data=data)


@app.command(epilog="Example: `bluegrid version remove g1 v1`")
def remove(
    set_id: options.SetId,
    version_id: options.VersionId,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
) -> None:
    """Remove VERSION's row. A version that a cluster serves is refused.

    The store keeps everything: `git revert` brings the version back, `bluegrid gc` deletes it 30 days later.
    """
    remove_version(registry, set_id, version_id)
    kept = "the store keeps it until `bluegrid gc`, 30 days from its next run"
    typer.echo(f"set {set_id} version {version_id}: removed; {kept}")
