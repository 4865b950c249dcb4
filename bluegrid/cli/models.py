"""`bluegrid model`: the models of a version."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bluegrid.cli import options, output, sets
from bluegrid_registry import (
    ConfigError,
    Registry,
    fetch_bytes,
    open_store,
    read_manifest,
    selected,
    stored_examples,
)
from bluegrid_registry.transfer.selection import uids_matching

if TYPE_CHECKING:
    from bluegrid_registry import ModelRow

app = typer.Typer(name="model", help="List and get the models of a version.", no_args_is_help=True)

Uid = Annotated[str, typer.Argument(metavar="UID", help="The device, e.g. line-17.")]


@app.command("list", epilog="Example: `bluegrid model list g1 v2 --only 'line-9*'`")
def list_models(
    set_id: options.SetId,
    version_id: options.VersionId,
    store: options.StoreUrl,
    only: Annotated[
        list[str] | None, typer.Option(metavar="UID", help="Only this model, or all that `line-9*` matches.")
    ] = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    as_json: options.Json = False,
) -> None:
    """List the models of VERSION, all or those that match."""
    version = Registry.load(registry).of_set(set_id).version(version_id)
    manifest = read_manifest(open_store(store), set_id, version_id, version.manifest)
    uids = selected(manifest, only) if only else None
    rows = [_row(row) for row in manifest.models if uids is None or row.uid in uids]
    output.emit_table(as_json=as_json, columns=("uid", "bytes", "example", "sha256"), rows=rows)


@app.command(epilog="Example: `bluegrid model find 'line-9*' --framework scikit-learn`")
def find(
    uid: Annotated[str, typer.Argument(metavar="UID", help="The device, or all that `line-9*` matches.")],
    store: options.StoreUrl,
    framework: sets.OfFramework = None,
    model_type: sets.OfType = None,
    source: sets.OfSource = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    as_json: options.Json = False,
) -> None:
    """Find which sets have models of UID, in the newest version of each."""
    opened = open_store(store)
    rows = []
    for file in sets.fitting(registry, framework, model_type, source):
        if version := sets.newest_version(file):
            manifest = read_manifest(opened, file.set.id, version.id, version.manifest)
            place = {"set": file.set.id, "version": version.id}
            matching = {*uids_matching({row.uid for row in manifest.models}, uid)}
            rows += [place | _row(row) for row in manifest.models if row.uid in matching]
    output.emit_table(
        as_json=as_json, columns=("set", "version", "uid", "bytes", "example", "sha256"), rows=rows
    )


def _row(row: ModelRow) -> dict[str, Any]:
    return {
        "uid": row.uid,
        "bytes": row.raw_length,
        "example": row.has_examples,
        "sha256": row.sha256,
    }


@app.command(epilog="Example: `bluegrid model show g1 v2 line-17`")
def show(
    set_id: options.SetId,
    version_id: options.VersionId,
    uid: Uid,
    store: options.StoreUrl,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    as_json: options.Json = False,
) -> None:
    """Show the pack and the place in it of the model UID, and its recorded examples.

    `example` is the first of them.
    """
    version = Registry.load(registry).of_set(set_id).version(version_id)
    opened = open_store(store)
    manifest = read_manifest(opened, set_id, version_id, version.manifest)
    row = next((row for row in manifest.models if row.uid == uid), None)
    if row is None:
        place = f"set {set_id} version {version_id}"
        raise ConfigError(f"{place}: no model is named {uid!r}; list them: bluegrid model list")
    data = _row(row) | {"pack": row.pack, "offset": row.offset, "length": row.length}
    found = stored_examples(opened, manifest, [row]).get(uid, ())
    examples = [example.model_dump(mode="json", exclude_none=True) for example in found]
    data |= {"example": next(iter(examples), None), "examples": examples}
    output.emit_facts(as_json=as_json, data=data)


@app.command(epilog="Example: `bluegrid model get g1 v2 line-17 --out line-17.skops`")
def get(
    set_id: options.SetId,
    version_id: options.VersionId,
    uid: Uid,
    store: options.StoreUrl,
    out: Annotated[Path, typer.Option(help="The new file; a model that is a folder becomes a tar file.")],
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
) -> None:
    """Write the verified model UID into a file."""
    file = Registry.load(registry).of_set(set_id)
    digest = file.version(version_id).manifest
    models = fetch_bytes(open_store(store), set_id, version_id, digest, only=[uid], keys=file.set.public_keys)
    if len(models) != 1:
        raise ConfigError(f"{uid!r} matches {len(models)} models; get takes one, `bluegrid fetch` many")
    data = next(iter(models.values()))
    try:
        with out.open("xb") as target:
            target.write(data)
    except FileExistsError:
        raise ConfigError(f"{out}: exists and is never overwritten; name another file") from None
    except OSError as error:
        raise ConfigError(f"{out}: cannot be written: {error.strerror}") from None
    typer.echo(f"set {set_id} version {version_id}: {uid} in {out}, {len(data)} bytes, verified")
