"""`bluegrid cluster set`: sets keys of a cluster."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bluegrid.cli import options
from bluegrid.cli.edits import Edited, apply, in_words
from bluegrid.cli.tree import command
from bluegrid.project import WholeServices, resolve_place
from bluegrid_registry import edit_cluster
from bluegrid_registry.registry_files.edits.values import CLUSTER, parse_edits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bluegrid_registry import ValueEdit


@command(
    epilog="Examples: `bluegrid cluster set line-loading d1 load=lazy timeoutSeconds=10`, "
    "`bluegrid cluster set line-loading d1 replicas- autoscaling.min=1 autoscaling.max=4 autoscaling.cpu=70`"
)
def set_values(
    service: options.Service,
    cluster: options.Cluster,
    values: options.ClusterValues,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    up: options.Up = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    stack: options.Stack = None,
    config_file: options.ConfigFile = None,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Set keys of CLUSTER in YAML; `cluster show` lists them.

    KEY=VALUE sets a key, KEY- removes it; `autoscaling.max` is a key in another one. What the schema refuses
    is refused, with file and line.
    """
    edit = partial(_edited, service, cluster, parse_edits(CLUSTER, values))
    place = resolve_place(stacks, stack, config_file=config_file)
    changed = WholeServices((service,))
    apply(edit, registry, place, changed=changed, up=up, dry_run=dry_run, yes=yes, as_json=as_json)


def _edited(service: str, cluster: str, edits: Sequence[ValueEdit], folder: Path) -> Edited | None:
    old, new = edit_cluster(folder, service, cluster, edits)
    return in_words(f"{service} {cluster}", edits, old, new)
