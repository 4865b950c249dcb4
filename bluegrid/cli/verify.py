"""`bluegrid verify`: checks every byte of a set's versions, in a store or a folder of `fetch`."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated

import typer

from bluegrid.cli import completion, options, output
from bluegrid.cli.progress import bar
from bluegrid.cli.tree import command
from bluegrid.project import resolve_place
from bluegrid_registry import (
    ModelSet,
    load_set,
    open_store,
    verify_folder,
)
from bluegrid_registry import verify as verify_versions
from bluegrid_registry.counts import counted

if TYPE_CHECKING:
    from bluegrid_registry import VerifyReport, Version


@command(epilog="Example: `bluegrid verify g1 --repair --from s3://copy/models`")
def verify(
    set_id: options.SetId,
    version: Annotated[
        str | None,
        typer.Argument(
            metavar="[VERSION]",
            help="One version. Default: all of the set.",
            autocompletion=completion.versions,
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help="Check a version in this folder of `fetch`, not in the store."),
    ] = None,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Replace what is damaged or missing from --from or, with --folder, from the store.",
        ),
    ] = False,
    source: Annotated[
        str | None, typer.Option("--from", metavar="URL", help="A good store, such as another region's copy.")
    ] = None,
    stack: options.Stack = None,
    store: options.Store = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Read every byte of SET's versions; report what is damaged.

    Also reported is what is missing or, for a whole set, not needed.

    If the set has `keys:`, also check signatures: one of the keys must have signed each version.

    Exit code 1 if something stays damaged, missing or unsigned. Pushing the same models again also repairs a
    store, and signing again a signature.
    """
    # A repaired store is written to; a repaired folder is not the store.
    only_reads = folder is not None or not repair
    url = resolve_place(stacks, stack, store=store, only_reads=only_reads).required_store
    file = load_set(registry, set_id)
    versions = [file.version(version)] if version else file.versions
    if folder:
        if version is None:
            raise typer.BadParameter(
                "is missing; a folder is compared with one version", param_hint="VERSION"
            )
        _verify_folder(set_id, versions[0], folder, url, registry, repair=repair, as_json=as_json)
        return
    if repair and source is None:
        raise typer.BadParameter("needs --from URL, or --folder DIR", param_hint="--repair")
    with bar("read") as progress:
        report = verify_versions(
            open_store(url),
            set_id,
            versions,
            keys=file.set.public_keys,
            source=open_store(source) if source and repair else None,
            progress=progress,
        )
    if version:
        # Objects of other versions are not extra.
        report = replace(report, extra=())
    output.emit(as_json=as_json, data=asdict(report) | {"sound": report.is_sound}, text=_verified(report))
    if not report.is_sound:
        raise typer.Exit(1)


def _verify_folder(
    set_id: str, version: Version, folder: Path, store: str, registry: Path, *, repair: bool, as_json: bool
) -> None:
    report = verify_folder(open_store(store), set_id, version, folder)
    text = output.with_lists(
        f"set {set_id} version {version.id} in {folder}: {counted(report.checked, 'model')} sound",
        {"damaged": report.damaged, "missing": report.missing, "extra": report.extra},
    )
    is_sound = report.is_sound
    if repair and not is_sound:
        ModelSet.open(set_id, registry, store).fetch(version.id, folder)
        is_sound = True
        text += "\nfetched again: all sound"
    output.emit(as_json=as_json, data=asdict(report) | {"sound": is_sound}, text=text)
    if not is_sound:
        raise typer.Exit(1)


def _verified(report: VerifyReport) -> str:
    healed = set(report.healed)
    damaged = [f"{key}: {fault}" for key, fault in report.damaged.items() if key not in healed]
    signers = {version: found.good for version, found in report.signatures.items() if found.good}
    size = f"{counted(report.models, 'model')} checked, {report.bytes / 1e6:.1f} MB read"
    return output.with_lists(
        f"set {report.set}: {counted(report.versions, 'version')}, {size}",
        {
            "damaged": damaged,
            "missing": [key for key in report.missing if key not in healed],
            "healed": report.healed,
            "not signed": [_unsigned(report, version) for version in report.unsigned],
            "signed": [f"{version} by {', '.join(keys)}" for version, keys in signers.items()],
            "extra": report.extra,
        },
    )


def _unsigned(report: VerifyReport, version: str) -> str:
    found = report.signatures[version]
    keys = ", ".join((*found.wrong, *found.missing))
    return f"{version} by a trusted key ({keys}); `bluegrid version sign {report.set} {version} --key FILE`"
