"""`bluegrid set show`: shows a set."""

from __future__ import annotations

from bluegrid.cli import options, output, service_rows
from bluegrid.cli.set_rows import row_of
from bluegrid.cli.tree import command
from bluegrid_registry import load_set

_OPTIONAL = ("outputs", "nonFinite", "signature", "accelerate", "kinds")
"""Keys of a set that `show` prints if the registry has them."""


@command(epilog="Example: `bluegrid set show g1 --json`")
def show(
    set_id: options.SetId,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    as_json: options.Json = False,
) -> None:
    """Show everything that the registry says about SET."""
    file = load_set(registry, set_id)
    lines = [f"{key}: {value}" for key, value in row_of(file).items()]
    declared = file.set.model_dump(mode="json", exclude_defaults=True)
    lines += [f"{key}: {output.cell(declared[key])}" for key in _OPTIONAL if key in declared]
    lines += [f"key {key.id}" for key in file.set.keys]
    lines += [f"trusts {name}" for name in file.set.trust]
    lines += map(service_rows.cluster_line, file.service.clusters if file.service else ())
    output.emit(as_json=as_json, data=file.model_dump(mode="json"), text="\n".join(lines))
