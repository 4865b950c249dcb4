"""`bluegrid push`: makes a version of the models in a folder, in the store and in the registry."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bluegrid.cli import completion, options, output, trust_offer
from bluegrid.cli.progress import bar
from bluegrid.cli.tree import command
from bluegrid.project import resolve_place
from bluegrid.signals import INTERRUPTED
from bluegrid_registry import (
    ChecksumAlgorithm,
    ModelSet,
    UntrustedNames,
    edit_set,
    load_set,
    models_in_folder,
)
from bluegrid_registry.counts import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bluegrid_registry import PushReport, SourceModel


@command(epilog="Example: `bluegrid push models/ --set g1 --version v2`")
def push(
    set_id: Annotated[
        str,
        typer.Option("--set", metavar="SET", help="The model set, e.g. g1.", autocompletion=completion.sets),
    ],
    version: Annotated[str, typer.Option(help="The new version's ID, e.g. v2.")],
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Folder with a file or folder for each model: `<uid>.skops`. Not needed with --without."
        ),
    ] = None,
    base: options.Base = None,
    without: options.Without = None,
    ignore: options.Ignore = None,
    checksum: Annotated[
        ChecksumAlgorithm,
        typer.Option(
            case_sensitive=False,
            help="Checksum of each object, computed before sending and again by the store.",
        ),
    ] = ChecksumAlgorithm.CRC64NVME,
    stack: options.Stack = None,
    store: options.Store = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Publish the models in FOLDER as a new version of a set.

    The row of the version is added to the registry.

    A file that is neither a model of the set's type nor ignored is refused by name. On a terminal, names that
    the models use and the set does not trust are shown, with the offer to trust them.

    Pushing the same models again changes nothing, and repairs what was damaged in the store.
    """
    if without and base is None:
        raise typer.BadParameter("names models of a base version: add --base", param_hint="--without")
    if ignore and folder is None:
        raise typer.BadParameter("is for files in FOLDER: name the folder", param_hint="--ignore")
    if folder is None and not without:
        raise typer.BadParameter("is missing; only --without does without a folder", param_hint="FOLDER")
    url = resolve_place(stacks, stack, store=store).required_store
    models: Sequence[SourceModel] = ()
    if folder is not None:
        models = models_in_folder(folder, load_set(registry, set_id).set.type, ignore or ())

    def attempt() -> PushReport:
        try:
            with bar("sent") as progress:
                return ModelSet.open(set_id, registry, url).push(
                    version, models, base=base, without=without or (), algorithm=checksum, progress=progress
                )
        except KeyboardInterrupt:
            output.refuse("interrupted; a push that is started again sends only what has not arrived")
            raise typer.Exit(INTERRUPTED) from None

    try:
        report = attempt()
    except UntrustedNames as error:
        if not trust_offer.accepted(error, set_id):
            raise
        edit_set(registry, set_id, trust=error.models)
        report = attempt()
    output.emit(as_json=as_json, data=_data(report), text=_text(report))


def _data(report: PushReport) -> dict[str, Any]:
    return asdict(report) | {"published": report.published.isoformat()}


def _text(report: PushReport) -> str:
    sent = f"{report.sent_models} sent ({report.sent_bytes / 1e6:.2f} MB)"
    healed = f", {counted(report.packs_healed, 'damaged pack')} replaced" if report.packs_healed else ""
    version = f"set {report.set} version {report.version}"
    return f"{version}: {counted(report.models, 'model')}, {sent}{healed}; {report.manifest[:19]}"
