"""`bluegrid fetch`: fetches a version, or some of its models, into a folder."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import Annotated

import typer

from bluegrid.cli import options, output
from bluegrid.cli.progress import bar
from bluegrid.cli.tree import command
from bluegrid.project import resolve_place
from bluegrid_registry import ModelSet
from bluegrid_registry.counts import counted


@command(epilog="Example: `bluegrid fetch g1 v2 models/ --only 'line-9*'`")
def fetch(
    set_id: options.SetId,
    version: options.VersionId,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder; made if it is missing.")],
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="UID", help="Take this model, or all that `line-9*` matches; may be repeated."),
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder of models by digest that several fetches share.")
    ] = None,
    stack: options.Stack = None,
    store: options.Store = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Fetch VERSION of SET into DIR: all its models, verified, or none.

    Models that are there and sound are not fetched again. The models lie in DIR/<manifest>/<sha256>.<type>;
    --json names the file of each UID.
    """
    url = resolve_place(stacks, stack, store=store, only_reads=True).required_store
    with bar("fetched") as progress:
        fetched = ModelSet.open(set_id, registry, url).fetch(
            version, folder, only=only or (), cache=cache, progress=progress
        )
    report = fetched.report
    where = next(iter(fetched.paths.values())).parent
    text = (
        f"set {set_id} version {version}: {counted(report.checked, 'model')} verified in {where}; "
        f"{report.already_there} already there, {report.fetched_bytes / 1e6:.2f} MB fetched"
    )
    for what, names in (
        ("damaged in the folder and repaired", report.damaged),
        ("damaged on the way and fetched again", report.refetched),
        ("that are not models of this version", report.extra),
    ):
        if names:
            text += f"; {len(names)} {what}, such as {names[0]}"
    paths = {uid: str(path) for uid, path in fetched.paths.items()}
    data = {"set": set_id, "version": version, **asdict(report), "paths": paths}
    output.emit(as_json=as_json, data=data, text=text)
