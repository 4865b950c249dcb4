"""`bluegrid verify|gc`, and `bluegrid version diff`: what keeps a store sound and small, and what changed."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bluegrid.cli import output
from bluegrid.cli.progress import bar
from bluegrid_registry import (
    ModelSet,
    Registry,
    collect_garbage,
    compare_versions,
    open_store,
    verify_folder,
)
from bluegrid_registry import verify as verify_versions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bluegrid_registry import ChangedModel, GarbageReport, VerifyReport, Version

SHOWN = 20
"""Lines of a list that a person is shown; --json has all."""


def verify(
    set_id: output.SetId,
    store: output.StoreUrl,
    version: Annotated[
        str | None, typer.Argument(metavar="[VERSION]", help="One version; absent: all of the set.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Check what was fetched into this folder, not the store.")
    ] = None,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Replace what is damaged or missing: from --source, or, with --folder, from the store.",
        ),
    ] = False,
    source: Annotated[
        str | None, typer.Option(metavar="STORE", help="A good store, such as another region's copy.")
    ] = None,
    registry: output.RegistryFolder = output.DEFAULT_REGISTRY,
    as_json: output.Json = False,
) -> None:
    """Read every byte of SET's versions again, and report what is damaged, missing or, of a whole set, extra.

    Where the set has `keys:`, signatures too: one of the keys must have signed each version.

    Exit code 1 if something stays damaged, missing or unsigned. Pushing the same models again heals a store
    too, and signing again a signature.
    """
    file = Registry.load(registry).of_set(set_id)
    versions = [file.version(version)] if version else file.versions
    if folder:
        if version is None:
            raise typer.BadParameter(
                "is missing; a folder is compared with one version", param_hint="VERSION"
            )
        _verify_folder(set_id, versions[0], folder, store, registry, repair=repair, as_json=as_json)
        return
    if repair and source is None:
        raise typer.BadParameter("needs --source STORE, or --folder DIR", param_hint="--repair")
    with bar("read") as progress:
        report = verify_versions(
            open_store(store),
            set_id,
            versions,
            keys=file.set.public_keys,
            source=open_store(source) if source and repair else None,
            progress=progress,
        )
    if version:
        # What is of other versions is not extra.
        report = replace(report, extra=())
    output.emit(as_json=as_json, data=asdict(report) | {"sound": report.is_sound}, text=_verified(report))
    if not report.is_sound:
        raise typer.Exit(1)


def _verify_folder(
    set_id: str, version: Version, folder: Path, store: str, registry: Path, *, repair: bool, as_json: bool
) -> None:
    report = verify_folder(open_store(store), set_id, version, folder)
    text = _with_lists(
        f"set {set_id} version {version.id} in {folder}: {report.checked} models sound",
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
    size = f"{report.models} models checked, {report.bytes / 1e6:.1f} MB read"
    return _with_lists(
        f"set {report.set}: {report.versions} versions, {size}",
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
    return f"{version} by a trusted key ({keys}); `bluegrid sign {report.set} {version} --key FILE`"


def collect(
    store: output.StoreUrl,
    sets: Annotated[list[str] | None, typer.Argument(metavar="[SET]...", help="Absent: every set.")] = None,
    registries: Annotated[
        list[Path] | None,
        typer.Option(
            "--registry",
            envvar="BLUEGRID_REGISTRY",
            help="What these folders of registry files name is kept; one for each region or branch.",
        ),
    ] = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Really delete; without it nothing is written.")
    ] = False,
    as_json: output.Json = False,
) -> None:
    """Find what no version needs any more; with --delete, delete it. May run beside pushes and fetches.

    A version that no --registry names is noted as removed, goes 30 days later, and is back as soon as one
    names it again. What killed pushes left behind goes after 30 days.
    """
    loaded = [Registry.load(folder) for folder in registries or (output.DEFAULT_REGISTRY,)]
    known = sorted({file.set.id for registry in loaded for file in registry.files})
    opened = open_store(store)
    reports = [collect_garbage(opened, set_id, loaded, apply=delete) for set_id in sets or known]
    output.emit(
        as_json=as_json,
        data=[_garbage_data(report) for report in reports],
        text="\n".join(map(_garbage, reports)),
    )


def _garbage_data(report: GarbageReport) -> dict[str, Any]:
    return asdict(report) | {"waiting": {name: until.isoformat() for name, until in report.waiting.items()}}


def _garbage(report: GarbageReport) -> str:
    size = f"{len(report.deleted)} objects, {report.deleted_bytes / 1e6:.1f} MB"
    done = f"{size} deleted" if report.applied else f"{size} would go; --delete deletes them"
    return _with_lists(
        f"set {report.set}: {report.versions} versions kept; {done}",
        {
            "removed, kept until": [f"{until:%Y-%m-%d}: {name}" for name, until in report.waiting.items()],
            "named again": report.revived,
            "removed 30 days ago, goes now": report.expired,
        },
    )


def diff(
    set_id: output.SetId,
    old: Annotated[str, typer.Argument(metavar="OLD", help="The version to start from, e.g. v1.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The version to compare with it, e.g. v2.")],
    store: output.StoreUrl,
    registry: output.RegistryFolder = output.DEFAULT_REGISTRY,
    as_json: output.Json = False,
) -> None:
    """Say which models NEW has added, changed and removed since OLD, by how much, and how far answers moved.

    Answers are those of the recorded examples, where both versions have them on the same inputs.
    """
    file = Registry.load(registry).of_set(set_id)
    found = compare_versions(open_store(store), set_id, file.version(old), file.version(new))
    grown = sum(row.new_bytes - row.old_bytes for row in found.changed)
    grown += sum(row.raw_length for row in found.added) - sum(row.raw_length for row in found.removed)
    head = (
        f"set {set_id} {old} -> {new}: {len(found.added)} added, {len(found.changed)} changed, "
        f"{len(found.removed)} removed, {found.unchanged} unchanged; {grown:+} bytes"
    )
    lists = {
        "+": [f"{row.uid} ({row.raw_length} bytes)" for row in found.added],
        "-": [f"{row.uid} ({row.raw_length} bytes)" for row in found.removed],
        "~": [
            f"{row.uid} ({row.new_bytes - row.old_bytes:+} bytes{_answers(row.moved)})"
            for row in sorted(found.changed, key=_by_answers)
        ],
    }
    if unknown := sum(row.moved is None for row in found.changed):
        head += f"; how far answers moved is not known of {unknown}: no examples on the same inputs"
    data = {
        "set": set_id,
        "old": old,
        "new": new,
        "added": [{"uid": row.uid, "bytes": row.raw_length} for row in found.added],
        "removed": [{"uid": row.uid, "bytes": row.raw_length} for row in found.removed],
        "changed": [asdict(row) for row in found.changed],
        "unchanged": found.unchanged,
        "grown_bytes": grown,
    }
    output.emit(as_json=as_json, data=data, text=_with_lists(head, lists))


def _by_answers(row: ChangedModel) -> tuple[float, str]:
    """Order models by how far their answers moved, the farthest first; where that is not known, last."""
    return (math.inf if row.moved is None else -row.moved), row.uid


def _answers(moved: float | None) -> str:
    return "" if moved is None else f", answers moved by {moved:.3g}"


def _with_lists(head: str, lists: Mapping[str, Sequence[str]]) -> str:
    """Return the first line, and one for each name in the lists, with what the lists say about it."""
    lines = [head]
    for what, names in lists.items():
        lines += [f"  {what} {name}" for name in names[:SHOWN]]
        if len(names) > SHOWN:
            lines.append(f"  {what} ... and {len(names) - SHOWN} more; --json lists all")
    return "\n".join(lines)
