"""`bluegrid set`: the model sets of a registry."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bluegrid.cli import options, output
from bluegrid_registry import (
    DeclaredSet,
    ModelType,
    Registry,
    Source,
    add_set,
    edit_set,
    remove_set,
)

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_registry import RegistryFile, Version

app = typer.Typer(name="set", help="Declare and search model sets.", no_args_is_help=True)

NewId = Annotated[str, typer.Argument(metavar="SET", help="The new set's ID, e.g. g2; its file is g2.yaml.")]
Name = Annotated[str | None, typer.Option(help="What people call the set.")]
Task = Annotated[str | None, typer.Option(help="What its models do, e.g. regression.")]
OfSource = Annotated[Source | None, typer.Option(help="Who defines the set.")]
Trust = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME", help="Trust a type or function that models name, e.g. `own_package.Scaler`."
    ),
]


class KindsRule(StrEnum):
    """Values of `--kinds`."""

    SAME = "same"
    MIXED = "mixed"


KindsOption = Annotated[
    KindsRule | None,
    typer.Option(
        help="Whether all models are of the same estimators, as a push checks for scikit-learn, or mixed, "
        "such as Ridge for one device and a forest for another."
    ),
]
OfFramework = Annotated[str | None, typer.Option("--framework", help="Only sets of this framework.")]
OfType = Annotated[str | None, typer.Option("--type", help="Only sets of this type.")]


@app.command(
    epilog="Example: `bluegrid set add g2 --name 'Transformer load' --task regression --type onnx/onnx`"
)
def add(
    set_id: NewId,
    name: Annotated[str, typer.Option(help="What people call the set.")],
    task: Annotated[str, typer.Option(help="What its models do, e.g. regression.")],
    model_type: Annotated[
        str, typer.Option("--type", help="Framework and file type of every model, e.g. scikit-learn/skops.")
    ],
    source: Annotated[Source, typer.Option(help="Who defines the set.")] = Source.PLATFORM,
    trust: Trust = None,
    kinds: KindsOption = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
) -> None:
    """Declare a set without versions; `bluegrid push` adds them."""
    with output.checked_values():
        declared = DeclaredSet(
            id=set_id,
            name=name,
            task=task,
            type=ModelType.parse(model_type),
            source=source,
            trust=tuple(trust or ()),
            kinds="mixed" if kinds is KindsRule.MIXED else None,
        )
    add_set(registry, declared)
    typer.echo(f"set {set_id}: in {registry / f'{set_id}.yaml'}; add a version with `bluegrid push`")


@app.command("list", epilog="Example: `bluegrid set list --framework scikit-learn --source user`")
def list_sets(
    framework: OfFramework = None,
    model_type: OfType = None,
    source: OfSource = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    as_json: options.Json = False,
) -> None:
    """List the sets, all or those that match."""
    columns = ("set", "name", "task", "type", "source", "versions", "newest", "service")
    rows = [_row(file) for file in fitting(registry, framework, model_type, source)]
    output.emit_table(as_json=as_json, columns=columns, rows=rows)


def fitting(
    registry: Path, framework: str | None, model_type: str | None, source: Source | None
) -> list[RegistryFile]:
    """Return the sets that match each argument that is not None."""
    return [
        file
        for file in Registry.load(registry).files
        if framework in (None, file.set.type.framework)
        and model_type in (None, str(file.set.type))
        and source in (None, file.set.source)
    ]


def newest_version(file: RegistryFile) -> Version | None:
    """Return the version that was updated last; of two at the same second, the later row."""
    return max(reversed(file.versions), key=lambda version: version.updated, default=None)


def _row(file: RegistryFile) -> dict[str, Any]:
    newest = newest_version(file)
    return {
        "set": file.set.id,
        "name": file.set.name,
        "task": file.set.task,
        "type": str(file.set.type),
        "source": file.set.source,
        "versions": len(file.versions),
        "newest": newest.id if newest else None,
        "service": file.service.name if file.service else None,
    }


_OPTIONAL = ("outputs", "nonFinite", "signature", "accelerate", "kinds")
"""Keys of a set that `show` prints if the registry has them."""


@app.command(epilog="Example: `bluegrid set show g1 --json`")
def show(
    set_id: options.SetId,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    as_json: options.Json = False,
) -> None:
    """Show everything that the registry says about SET."""
    file = Registry.load(registry).of_set(set_id)
    lines = [f"{key}: {value}" for key, value in _row(file).items()]
    declared = file.set.model_dump(mode="json", exclude_defaults=True)
    lines += [f"{key}: {output.cell(declared[key])}" for key in _OPTIONAL if key in declared]
    lines += [f"key {key.id}" for key in file.set.keys]
    lines += [f"trusts {name}" for name in file.set.trust]
    for cluster in file.service.clusters if file.service else ():
        pods = cluster.autoscaling or f"{cluster.replicas} replicas"
        lines.append(f"cluster {cluster.id}: version {cluster.version}, {pods}")
    output.emit(as_json=as_json, data=file.model_dump(mode="json"), text="\n".join(lines))


@app.command(
    epilog="Examples: `bluegrid set edit g1 --name 'Line loading, 110 kV'`, "
    "`bluegrid set edit g1 --kinds mixed`, `bluegrid set edit g1 --trust own_package.Scaler`"
)
def edit(
    set_id: options.SetId,
    name: Name = None,
    task: Task = None,
    source: OfSource = None,
    trust: Trust = None,
    kinds: KindsOption = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
) -> None:
    """Change SET's name, task, source or kinds, or add trusted names; its ID and type never change."""
    is_mixed = None if kinds is None else kinds is KindsRule.MIXED
    changed = edit_set(
        registry, set_id, name=name, task=task, source=source, trust=trust or (), is_mixed=is_mixed
    )
    typer.echo(f"set {set_id}: {'changed' if changed else 'nothing to change'}")


@app.command(epilog="Example: `bluegrid set remove g2 --with-versions`")
def remove(
    set_id: options.SetId,
    with_versions: Annotated[
        bool, typer.Option("--with-versions", help="Also if the set has versions.")
    ] = False,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
) -> None:
    """Delete SET's file. A set that is online is refused.

    The store keeps everything: `git revert` brings the set back, `bluegrid gc` deletes it 30 days later.
    """
    remove_set(registry, set_id, with_versions=with_versions)
    typer.echo(f"set {set_id}: removed; the store keeps it until `bluegrid gc`, 30 days from its next run")
