"""`bluegrid set add`: declares a set."""

from __future__ import annotations

from typing import Annotated

import typer

from bluegrid.cli import options, output, set_options
from bluegrid.cli.tree import command
from bluegrid_registry import DeclaredSet, ModelType, Source, add_set


@command(epilog="Example: `bluegrid set add g2 --name 'Transformer load' --task regression --type onnx/onnx`")
def add(
    set_id: Annotated[
        str, typer.Argument(metavar="SET", help="The new set's ID, e.g. g2; its file is g2.yaml.")
    ],
    name: Annotated[str, typer.Option(help="What people call the set.")],
    task: Annotated[str, typer.Option(help="What its models do, e.g. regression.")],
    model_type: Annotated[
        str, typer.Option("--type", help="Framework and file type of every model, e.g. scikit-learn/skops.")
    ],
    source: Annotated[Source, typer.Option(help="Who defines the set.")] = Source.PLATFORM,
    trust: set_options.Trust = None,
    kinds: set_options.KindsOption = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    as_json: options.Json = False,
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
            kinds="mixed" if kinds is set_options.KindsRule.MIXED else None,
        )
    add_set(registry, declared)
    file = registry / f"{set_id}.yaml"
    text = f"set {set_id}: in {file}; add a version with `bluegrid push`"
    output.emit(as_json=as_json, data={"set": set_id, "file": str(file)}, text=text)
