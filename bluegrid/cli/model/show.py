"""`bluegrid model show`: shows a model, its lineage and its recorded examples."""

from __future__ import annotations

from bluegrid.cli import options, output
from bluegrid.cli.model_rows import row_of
from bluegrid.cli.tree import command
from bluegrid.project import resolve_place
from bluegrid_registry import ConfigError, load_set, open_store, read_manifest, stored_examples


@command(epilog="Example: `bluegrid model show g1 v2 line-17`")
def show(
    set_id: options.SetId,
    version_id: options.VersionId,
    uid: options.Uid,
    stack: options.Stack = None,
    store: options.Store = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Show where the model UID lies, its lineage and its recorded examples.

    Shown are the pack and the place in it.

    `lineage` is who trained the model, from what, in which run, and its metrics then.

    `example` is the first of them.
    """
    url = resolve_place(stacks, stack, store=store, only_reads=True).required_store
    version = load_set(registry, set_id).version(version_id)
    opened = open_store(url)
    manifest = read_manifest(opened, set_id, version_id, version.manifest)
    row = next((row for row in manifest.models if row.uid == uid), None)
    if row is None:
        place = f"set {set_id} version {version_id}"
        raise ConfigError(f"{place}: no model is named {uid!r}; list them: bluegrid model list")
    data = row_of(row) | {"pack": row.pack, "offset": row.offset, "length": row.length}
    data |= {"lineage": row.lineage.to_dict() if row.lineage else None}
    found = stored_examples(opened, manifest, [row]).get(uid, ())
    examples = [example.model_dump(mode="json", exclude_none=True) for example in found]
    data |= {"example": next(iter(examples), None), "examples": examples}
    output.emit_facts(as_json=as_json, data=data)
