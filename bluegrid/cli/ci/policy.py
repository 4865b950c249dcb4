"""`bluegrid ci policy`: the folder of the policy pack, for `pulumi up --policy-pack`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import typer

from bluegrid import policy as pack
from bluegrid.cli.tree import command
from bluegrid_registry import ConfigError


@command(epilog='Example: `bluegrid ci policy`, as in `pulumi up --policy-pack "$(bluegrid ci policy)"`')
def policy() -> None:
    """Print the folder of the policy pack, for `pulumi up --policy-pack`.

    Pulumi runs it with the first python3 on PATH, so activate the environment of the project.
    """
    if find_spec("pulumi_policy") is None:
        raise ConfigError("the policy pack needs pulumi_policy: pip install 'bluegrid[policy]'")
    typer.echo(str(Path(pack.__file__).parent))
