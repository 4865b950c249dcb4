"""The arguments and options that several commands have, with their defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bluegrid.cli import completion, project_folders
from bluegrid.cli.passphrase import PASSPHRASE

SetId = Annotated[
    str, typer.Argument(metavar="SET", help="The model set, e.g. g1.", autocompletion=completion.sets)
]
VersionId = Annotated[
    str, typer.Argument(metavar="VERSION", help="The version, e.g. v2.", autocompletion=completion.versions)
]
Uid = Annotated[str, typer.Argument(metavar="UID", help="The device, e.g. line-17.")]
Service = Annotated[
    str,
    typer.Argument(
        metavar="SERVICE", help="The service, e.g. line-loading.", autocompletion=completion.services
    ),
]
OneService = Annotated[
    str | None,
    typer.Argument(
        metavar="[SERVICE]", help="One service. Default: all.", autocompletion=completion.services
    ),
]
Cluster = Annotated[
    str,
    typer.Argument(metavar="CLUSTER", help="The cluster, e.g. d2.", autocompletion=completion.clusters),
]
OneCluster = Annotated[
    str | None,
    typer.Argument(
        metavar="[CLUSTER]",
        help="One cluster of the service. Default: all.",
        autocompletion=completion.clusters,
    ),
]

_KEYS = "KEY=VALUE sets a key, KEY- removes it."
ClusterValues = Annotated[
    list[str],
    typer.Argument(metavar="KEY=VALUE...", help=_KEYS, autocompletion=completion.cluster_keys),
]
ServiceValues = Annotated[
    list[str],
    typer.Argument(metavar="KEY=VALUE...", help=_KEYS, autocompletion=completion.service_keys),
]
SetValues = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY=VALUE]...", help=_KEYS, autocompletion=completion.set_keys),
]

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of text.")]
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
DEFAULT_REGISTRY = completion.DEFAULT_REGISTRY

Stack = Annotated[
    str | None,
    typer.Option(
        "--stack",
        "-s",
        envvar="BLUEGRID_STACK",
        metavar="NAME",
        autocompletion=completion.stacks,
        # Other options have the values of its file as defaults.
        is_eager=True,
        help="The stack, which is a region: its file names the kube context, namespace, registry and store. "
        "Default, for what changes nothing: the project's only stack.",
    ),
]
Stacks = Annotated[
    Path,
    typer.Option(
        "--stacks",
        envvar="BLUEGRID_STACKS",
        is_eager=True,
        help="Folder of the stacks' files, Pulumi.REGION.yaml; they say which regions there are.",
        callback=project_folders.stacks,
    ),
]
DEFAULT_STACKS = Path("stacks")
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config-file",
        is_eager=True,
        help="The stack's file, if it is not in the folder of the stacks' files.",
    ),
]
Region = Annotated[
    str | None,
    typer.Option(
        "--region",
        envvar="BLUEGRID_REGION",
        callback=project_folders.unless_typed,
        help="The region. Default: the stack's.",
    ),
]
Context = Annotated[
    str | None,
    typer.Option(
        "--context",
        envvar="BLUEGRID_KUBE_CONTEXT",
        callback=project_folders.unless_typed,
        help="The kube context. Default: the stack's, never the current one.",
    ),
]
Kubeconfig = Annotated[
    Path | None,
    typer.Option(
        "--kubeconfig",
        envvar="BLUEGRID_KUBECONFIG",
        callback=project_folders.unless_typed,
        help="The kubeconfig. Default: the stack's, then $KUBECONFIG, then ~/.kube/config.",
    ),
]
Namespace = Annotated[
    str | None,
    typer.Option(
        "--namespace",
        "-n",
        envvar="BLUEGRID_NAMESPACE",
        callback=project_folders.unless_typed,
        help="The namespace. Default: the stack's.",
    ),
]
Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        envvar="BLUEGRID_STORE",
        metavar="URL",
        callback=project_folders.unless_typed,
        help="The store, s3://bucket/prefix?endpoint=... or file:///path. Default: the stack's.",
    ),
]
RouteAddress = Annotated[
    str | None,
    typer.Option(
        "--route-address",
        envvar="BLUEGRID_ROUTE_ADDRESS",
        metavar="URL",
        callback=project_folders.unless_typed,
        help="URL of the routes. Default: the stack's, or the address in the status of the Ingresses.",
    ),
]
StoreOfReport = Annotated[
    str | None,
    typer.Option(
        "--store",
        envvar="BLUEGRID_STORE",
        metavar="URL",
        help="The store, to compare the models of switched versions, and check their signatures.",
    ),
]

Base = Annotated[
    str | None,
    typer.Option("--base", help="Start from this version; FOLDER has the models that change."),
]
Without = Annotated[
    list[str] | None,
    typer.Option(
        "--without", metavar="UID", help="Leave out this model of the base, or all that `line-9*` matches."
    ),
]
Ignore = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore",
        metavar="PATTERN",
        help="Ignore these files or folders of FOLDER, as in .gitignore, e.g. `*.log` or `notes/`.",
    ),
]

Everywhere = Annotated[bool, typer.Option("--everywhere", help="Change every region, not the stack's alone.")]

Up = Annotated[
    bool, typer.Option("--up", help="Also apply it: show Pulumi's preview, ask, then run `pulumi up`.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Change nothing; show the edit and, of a named stack, the preview.")
]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Ask nothing; needed where there is no terminal, as in CI.")
]
AtOnce = Annotated[
    bool,
    typer.Option(
        "--at-once", help="With --up: do not wait until the cluster has as many pods as answer now."
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--config",
        "-c",
        metavar="KEY=VALUE",
        help="A setting of the stack, such as ingressClass=contour; may be repeated.",
    ),
]
SecretsProvider = Annotated[
    str | None,
    typer.Option(
        metavar="PROVIDER",
        help="What encrypts the stack's secrets: passphrase, or the URL of a key such as "
        "awskms://alias/bluegrid?region=eu-central-1. Default: Pulumi's own.",
    ),
]

KeyFile = Annotated[
    Path,
    typer.Option("--key", help=f"Private key in PEM; its passphrase, if any, is in {PASSPHRASE}."),
]
