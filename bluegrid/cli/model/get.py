"""`bluegrid model get`: writes a model into a file."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads it
from typing import Annotated

import typer

from bluegrid.cli import options, output
from bluegrid.cli.tree import command
from bluegrid.project import resolve_place
from bluegrid_registry import ConfigError, fetch_bytes, load_set, open_store


@command(epilog="Example: `bluegrid model get g1 v2 line-17 --out line-17.skops`")
def get(
    set_id: options.SetId,
    version_id: options.VersionId,
    uid: options.Uid,
    out: Annotated[Path, typer.Option(help="The new file; a model that is a folder becomes a tar file.")],
    stack: options.Stack = None,
    store: options.Store = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Write the verified model UID into a file."""
    url = resolve_place(stacks, stack, store=store, only_reads=True).required_store
    file = load_set(registry, set_id)
    digest = file.version(version_id).manifest
    models = fetch_bytes(open_store(url), set_id, version_id, digest, only=[uid], keys=file.set.public_keys)
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
    facts = {"set": set_id, "version": version_id, "uid": uid, "file": str(out), "bytes": len(data)}
    text = f"set {set_id} version {version_id}: {uid} in {out}, {len(data)} bytes, verified"
    output.emit(as_json=as_json, data=facts, text=text)
