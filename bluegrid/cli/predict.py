"""`bluegrid predict`: sends a request to one model, on any cluster."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from bluegrid.cli import options, output
from bluegrid.operations import ClusterClient, Namespace
from bluegrid_registry import BluegridError, ConfigError


def predict(
    service: options.Service,
    context: options.Context,
    model: Annotated[str, typer.Option(help="UID of the model.")],
    instances: Annotated[str, typer.Option(help="Rows of features as JSON, e.g. '[[12.5, 3.1]]'.")],
    cluster: Annotated[str | None, typer.Option(help="Any cluster. Default: the live one.")] = None,
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    as_json: options.Json = False,
) -> None:
    """Send a request to one model of SERVICE, on any cluster, through the API server: nothing is exposed."""
    try:
        rows = json.loads(instances)
    except ValueError:
        raise ConfigError(
            f"--instances {instances}: is not JSON; expected rows such as '[[12.5, 3.1]]'"
        ) from None
    answer = ClusterClient.of(Namespace.connect(context, namespace), service, cluster).predict(model, rows)
    if answer.error:
        raise BluegridError(f"{service} {answer.cluster} (version {answer.version}): {answer.error}")
    origin = f"{answer.cluster}, version {answer.version}, pod {answer.pod}, {1000 * answer.seconds:.0f} ms"
    output.emit(as_json=as_json, data=asdict(answer), text=f"{json.dumps(answer.predictions)}  ({origin})")
