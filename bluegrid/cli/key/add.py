"""`bluegrid key add`: makes a key that signs versions."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads it
from typing import Annotated

import typer

from bluegrid.cli import options, output
from bluegrid.cli.passphrase import PASSPHRASE, passphrase
from bluegrid.cli.tree import command
from bluegrid_registry import KeyAlgorithm, PrivateKey


@command(epilog=f"Example: `bluegrid key add ops-2026 --out ops-2026.pem`, with {PASSPHRASE} set")
def add(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="What people call the key, e.g. ops-2026.")],
    out: Annotated[Path, typer.Option(help="The new file; only its owner can read it.")],
    algorithm: Annotated[
        KeyAlgorithm,
        typer.Option(help="p256 for keys that sign exports: model_signing does not verify Ed25519."),
    ] = KeyAlgorithm.ED25519,
    as_json: options.Json = False,
) -> None:
    """Make a key pair that signs versions.

    OUT is the private key, OUT.pub the public one for other tools; the row for `keys:` in the set's YAML is
    printed.
    """
    key = PrivateKey.generate(algorithm)
    public = key.public(key_id)
    key.write(out, passphrase())
    row = f'- {{id: {public.id}, public: "{public.text}"}}'
    output.emit(as_json=as_json, data={"id": public.id, "public": public.text}, text=row)
