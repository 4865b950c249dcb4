"""`bluegrid switch`: sets in the registry which cluster is live; with `--up`, also in the stack."""

from __future__ import annotations

from bluegrid.cli import options
from bluegrid.cli.live import make_live
from bluegrid.cli.regions import Regions
from bluegrid.cli.tree import command


@command(epilog="Example: `bluegrid switch line-loading d2 --up --stack north`")
def switch(
    service: options.Service,
    cluster: options.Cluster,
    stack: options.Stack = None,
    everywhere: options.Everywhere = False,
    up: options.Up = False,
    yes: options.Yes = False,
    at_once: options.AtOnce = False,
    dry_run: options.DryRun = False,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    region: options.Region = None,
    config_file: options.ConfigFile = None,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Make CLUSTER live: one word of YAML.

    With --stack in that region alone, with --everywhere in all regions; with neither in all, if the same
    cluster is live in all. Going back is the same command. Shared traffic ends with it.
    """
    make_live(
        service,
        cluster,
        registry,
        Regions.of(stacks, stack, region, config_file, everywhere=everywhere, up=up),
        up=up,
        yes=yes,
        at_once=at_once,
        dry_run=dry_run,
        as_json=as_json,
    )
