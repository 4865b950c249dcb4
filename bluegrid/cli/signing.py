"""`bluegrid key new|sign|verify-signature|export`: who vouches for a version, and proof for other tools."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from bluegrid.cli import output
from bluegrid_registry import (
    KeyAlgorithm,
    PrivateKey,
    Registry,
    export_model_signing,
    open_store,
)
from bluegrid_registry import sign as sign_version
from bluegrid_registry import verify_signature as find_signer

keys = typer.Typer(name="key", help="Make keys that sign versions.", no_args_is_help=True)

PASSPHRASE = "BLUEGRID_KEY_PASSPHRASE"  # noqa: S105 - the variable's name
"""Never an option: everybody on the machine can read a command's arguments."""

KeyFile = Annotated[
    Path,
    typer.Option("--key", help=f"Private key in PEM; its passphrase, if any, is in {PASSPHRASE}."),
]


@keys.callback()
def _group() -> None:
    # Typer makes a group of one command only where it has a callback.
    pass


@keys.command(epilog=f"Example: `bluegrid key new ops-2026 --out ops-2026.pem`, with {PASSPHRASE} set")
def new(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="What people call the key, e.g. ops-2026.")],
    out: Annotated[Path, typer.Option(help="The new file; only its owner can read it.")],
    algorithm: Annotated[
        KeyAlgorithm, typer.Option(help="p256 where exports are signed: model_signing verifies no Ed25519.")
    ] = KeyAlgorithm.ED25519,
) -> None:
    """Make a key pair: OUT, OUT.pub for other tools, and a row for `keys:` in the set's YAML."""
    key = PrivateKey.generate(algorithm)
    public = key.public(key_id)
    key.write(out, _passphrase())
    typer.echo(f'- {{id: {public.id}, public: "{public.text}"}}')


def sign(
    set_id: output.SetId,
    version_id: output.VersionId,
    store: output.StoreUrl,
    key: KeyFile,
    registry: output.RegistryFolder = output.DEFAULT_REGISTRY,
) -> None:
    """Sign VERSION with a key; signatures by other keys stay."""
    file = Registry.load(registry).of_set(set_id)
    digest = file.version(version_id).manifest
    private = PrivateKey.read(key, _passphrase())
    fingerprint = sign_version(open_store(store), set_id, version_id, digest, private)
    named = [key.id for key in file.set.public_keys if key.fingerprint == fingerprint]
    hint = f"as {named[0]}" if named else "but keys: of the set does not name this key yet"
    typer.echo(f"set {set_id} version {version_id}: signed {hint}; {digest[:19]}")


def verify_signature(
    set_id: output.SetId,
    version_id: output.VersionId,
    store: output.StoreUrl,
    registry: output.RegistryFolder = output.DEFAULT_REGISTRY,
    as_json: output.Json = False,
) -> None:
    """Say which of the set's keys has signed VERSION; exit code 1 if none has."""
    file = Registry.load(registry).of_set(set_id)
    digest = file.version(version_id).manifest
    signer = find_signer(open_store(store), set_id, version_id, digest, file.set.public_keys)
    text = f"set {set_id} version {version_id}: signed by {signer}; {digest[:19]}"
    data = {"set": set_id, "version": version_id, "manifest": digest, "key": signer}
    output.emit(as_json=as_json, data=data, text=text)


def export(
    set_id: output.SetId,
    version_id: output.VersionId,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is empty or not there yet.")],
    store: output.StoreUrl,
    key: KeyFile,
    registry: output.RegistryFolder = output.DEFAULT_REGISTRY,
) -> None:
    """Write VERSION into DIR, a file a model, with a `model.sig` for the stock `model_signing verify key`.

    Where the set has `keys:`, one of them must have signed the version.
    """
    file = Registry.load(registry).of_set(set_id)
    digest = file.version(version_id).manifest
    private = PrivateKey.read(key, _passphrase())
    trusted = file.set.public_keys
    signature = export_model_signing(
        open_store(store), set_id, version_id, digest, folder, private, trusted=trusted
    )
    stock = f"model_signing verify key {folder} --signature {signature} --public_key {key}.pub"
    typer.echo(f"set {set_id} version {version_id}: in {folder}; verify it with `{stock}`")


def _passphrase() -> str | None:
    return os.environ.get(PASSPHRASE) or None
