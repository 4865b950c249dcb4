"""The arguments and options that several commands have, with their defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bluegrid.cli import project_folders
from bluegrid.cli.passphrase import PASSPHRASE

SetId = Annotated[str, typer.Argument(metavar="SET", help="The model set, e.g. g1.")]
VersionId = Annotated[str, typer.Argument(metavar="VERSION", help="The version, e.g. v2.")]
Uid = Annotated[str, typer.Argument(metavar="UID", help="The device, e.g. line-17.")]
Service = Annotated[str, typer.Argument(help="The service, e.g. line-loading.")]
Cluster = Annotated[str, typer.Argument(help="The cluster, e.g. d2.")]

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of text.")]
StoreUrl = Annotated[
    str,
    typer.Option("--store", envvar="BLUEGRID_STORE", help="s3://bucket/prefix?endpoint=... or file:///path"),
]
RegistryFolder = Annotated[
    Path,
    typer.Option(
        "--registry",
        envvar="BLUEGRID_REGISTRY",
        help="Folder of registry files.",
        show_default=True,
        callback=project_folders.registry,
    ),
]
DEFAULT_REGISTRY = Path("registry")

Context = Annotated[
    str, typer.Option(envvar="BLUEGRID_KUBE_CONTEXT", help="The kube context; never the default.")
]
Namespace = Annotated[
    str, typer.Option("--namespace", "-n", envvar="BLUEGRID_NAMESPACE", help="The stack's namespace.")
]
DEFAULT_NAMESPACE = "bluegrid"

Stacks = Annotated[
    Path,
    typer.Option(
        "--stacks",
        envvar="BLUEGRID_STACKS",
        help="Folder of the stacks' files, Pulumi.REGION.yaml; they say which regions there are.",
        callback=project_folders.stacks,
    ),
]
DEFAULT_STACKS = Path("stacks")

OnlyRegion = Annotated[str | None, typer.Option("--region", help="Change this region only.")]
Up = Annotated[bool, typer.Option("--up", help="Also run `pulumi up`, which shows its preview and asks.")]
UpOfRoute = Annotated[
    bool,
    typer.Option("--up", help="Also run `pulumi up`, of the service's route and the clusters named here."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Change nothing; show the edit and, of a named stack, the preview.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
StackName = Annotated[
    str | None, typer.Option("--stack", envvar="BLUEGRID_STACK", help="The stack, with --up or --dry-run.")
]
ConfigFile = Annotated[
    str | None,
    typer.Option("--config-file", help="File of the stack's settings, for Pulumi; with --up or --dry-run."),
]

KeyFile = Annotated[
    Path,
    typer.Option("--key", help=f"Private key in PEM; its passphrase, if any, is in {PASSPHRASE}."),
]
