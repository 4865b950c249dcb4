"""`bluegrid key`: keys that sign versions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from bluegrid_registry import KeyAlgorithm, PrivateKey

app = typer.Typer(name="key", help="Make keys that sign versions.", no_args_is_help=True)

PASSPHRASE = "BLUEGRID_KEY_PASSPHRASE"  # noqa: S105 - the variable's name
"""An environment variable and not an option: every user of a machine can read a command's arguments."""

KeyFile = Annotated[
    Path,
    typer.Option("--key", help=f"Private key in PEM; its passphrase, if any, is in {PASSPHRASE}."),
]


@app.callback()
def _group() -> None:
    # Typer makes a group of one command only where it has a callback.
    pass


@app.command(epilog=f"Example: `bluegrid key new ops-2026 --out ops-2026.pem`, with {PASSPHRASE} set")
def new(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="What people call the key, e.g. ops-2026.")],
    out: Annotated[Path, typer.Option(help="The new file; only its owner can read it.")],
    algorithm: Annotated[
        KeyAlgorithm,
        typer.Option(help="p256 for keys that sign exports: model_signing does not verify Ed25519."),
    ] = KeyAlgorithm.ED25519,
) -> None:
    """Make a key pair: OUT, OUT.pub for other tools, and a row for `keys:` in the set's YAML."""
    key = PrivateKey.generate(algorithm)
    public = key.public(key_id)
    key.write(out, passphrase())
    typer.echo(f'- {{id: {public.id}, public: "{public.text}"}}')


def passphrase() -> str | None:
    """Return the passphrase of a private key; None: the key has none."""
    return os.environ.get(PASSPHRASE) or None
