"""`bluegrid version export`: writes a version as files, with a signature that other tools verify."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads it
from typing import Annotated

import typer

from bluegrid.cli import options, output
from bluegrid.cli.passphrase import passphrase
from bluegrid.cli.tree import command
from bluegrid.project import resolve_place
from bluegrid_registry import PrivateKey, export_model_signing, load_set, open_store


@command(epilog="Example: `bluegrid version export g1 v2 exported --key ops-2026.pem`")
def export(
    set_id: options.SetId,
    version_id: options.VersionId,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder; empty, or missing.")],
    key: options.KeyFile,
    stack: options.Stack = None,
    store: options.Store = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Write VERSION as files, signed for `model_signing`.

    DIR gets a file for each model, and `model.sig` for `model_signing verify key`.

    Where the set has `keys:`, one of them must have signed the version.
    """
    url = resolve_place(stacks, stack, store=store, only_reads=True).required_store
    file = load_set(registry, set_id)
    digest = file.version(version_id).manifest
    private = PrivateKey.read(key, passphrase())
    trusted = file.set.public_keys
    signature = export_model_signing(
        open_store(url), set_id, version_id, digest, folder, private, trusted=trusted
    )
    stock = f"model_signing verify key {folder} --signature {signature} --public_key {key}.pub"
    data = {"set": set_id, "version": version_id, "folder": str(folder), "signature": str(signature)}
    text = f"set {set_id} version {version_id}: in {folder}; verify it with `{stock}`"
    output.emit(as_json=as_json, data=data, text=text)
