"""`bluegrid predict`: sends a request to one model, on any cluster or on a server by its URL."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bluegrid.cli import completion, options, output
from bluegrid.cli.place import connect
from bluegrid.cli.tree import command
from bluegrid.operations import ClusterClient, ServiceUrl
from bluegrid.project import resolve_place
from bluegrid_registry import BluegridError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
_STDIN = "-"


@command(
    # Negative numbers are values, not options.
    context_settings={"ignore_unknown_options": True},
    epilog="Examples: `bluegrid predict line-17 --url http://127.0.0.1:12345/modelService/models 12.5 3.1`, "
    "`bluegrid predict line-17 --url http://127.0.0.1:12345/modelService/models --data rows.json`, "
    "`bluegrid predict line-loading --cluster d2 --model line-17 --instances '[[12.5, 3.1]]'`",
)
def predict(
    service: Annotated[
        str,
        typer.Argument(
            help="The service, e.g. line-loading; with --url, which names the service, the model's UID."
        ),
    ],
    values: Annotated[
        list[str] | None, typer.Argument(metavar="[VALUE]...", help="One row of features, e.g. 12.5 3.1.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            help="URL of a service: what `bluegrid serve` prints, or a cluster's address and "
            "/modelService/<service>. Without it, requests go through the API server.",
        ),
    ] = None,
    stack: options.Stack = None,
    context: options.Context = None,
    kubeconfig: options.Kubeconfig = None,
    model: Annotated[str | None, typer.Option(help="UID of the model, without --url.")] = None,
    instances: Annotated[
        str | None, typer.Option(help="Rows of features as JSON, e.g. '[[12.5, 3.1]]'.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help='JSON file, or - for standard input: rows, {"instances": rows}, or {"inputs": ...} as the '
            "protocol has them.",
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(help="Any cluster. Default: the live one.", autocompletion=completion.clusters),
    ] = None,
    namespace: options.Namespace = None,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Send a request to one model, by URL or through the API server.

    The API server reaches any cluster, with nothing exposed.
    """
    request = _request(values or (), instances, data)
    client: ClusterClient | ServiceUrl
    if url is not None:
        if model or cluster:
            fault = "the first argument is the model's UID, and the URL leads to the cluster"
            raise typer.BadParameter(f"{fault}: leave out --model and --cluster", param_hint="--url")
        client, uid, where = ServiceUrl.of(url), service, url
    else:
        if model is None:
            raise typer.BadParameter("is missing; only --url does without it", param_hint="--model")
        place = resolve_place(
            stacks, stack, context=context, kubeconfig=kubeconfig, namespace=namespace, only_reads=True
        )
        client, uid = ClusterClient.of(connect(place), service, cluster), model
        where = f"{service} {client.cluster}"
    answer = (
        client.infer(uid, request)
        if "inputs" in request
        else client.predict(uid, request["instances"], outputs=request.get("outputs"))
    )
    if answer.error:
        version = f" (version {answer.version})" if answer.version else ""
        raise BluegridError(f"{where}{version}: {answer.error}")
    pod = f"pod {answer.pod}, " if answer.pod else ""
    fallback = f"fallback {answer.fallback}, " if answer.fallback else ""
    origin = f"{answer.cluster}, version {answer.version}, {pod}{fallback}{1000 * answer.seconds:.0f} ms"
    output.emit(as_json=as_json, data=asdict(answer), text=f"{answer.text}  ({origin})")


def _request(values: Sequence[str], instances: str | None, data: str | None) -> Mapping[str, Any]:
    """Return a request with `instances` or `inputs`, from the one place that has it."""
    given = [bool(values), instances is not None, data is not None]
    if sum(given) != 1:
        raise typer.BadParameter(
            "give the features once: as values, with --instances or with --data", param_hint="VALUE"
        )
    if values:
        return {"instances": [[_value(text) for text in values]]}
    if instances is not None:
        return _document(instances, f"--instances {instances}")
    try:
        text = sys.stdin.read() if data == _STDIN else Path(str(data)).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--data {data}: cannot be read: {error}") from None
    return _document(text, f"--data {data}")


def _document(text: str, place: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        raise ConfigError(f"{place}: is not JSON; expected rows such as '[[12.5, 3.1]]'") from None
    if isinstance(document, list):
        return {"instances": document}
    if isinstance(document, dict) and document.keys() & {"instances", "inputs"}:
        return document
    raise ConfigError(
        f"{place}: expected rows such as '[[12.5, 3.1]]', or an object with instances or inputs"
    )


def _value(text: str) -> Any:
    """Return a feature of the command line: a number, null for a missing value, or a string."""
    try:
        value = json.loads(text, parse_constant=str)
    except ValueError:
        return text
    return value if value is None or isinstance(value, int | float) else text
