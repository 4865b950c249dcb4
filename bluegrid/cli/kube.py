"""Options of the commands that ask Kubernetes."""

from __future__ import annotations

from typing import Annotated

import typer

Context = Annotated[
    str, typer.Option(envvar="BLUEGRID_KUBE_CONTEXT", help="The kube context; never the default.")
]
Namespace = Annotated[
    str, typer.Option("--namespace", "-n", envvar="BLUEGRID_NAMESPACE", help="The stack's namespace.")
]
DEFAULT_NAMESPACE = "bluegrid"
Region = Annotated[
    str | None,
    typer.Option(
        envvar=["BLUEGRID_REGION", "BLUEGRID_STACK"],
        help="The stack's region, where services are live by region. A stack's name is its region's.",
    ),
]
