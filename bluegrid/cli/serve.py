"""`bluegrid serve`: serves a version, or a folder of models, on this machine."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.text import Text

from bluegrid.cli import options, output, set_options
from bluegrid.cli.progress import bar
from bluegrid.cli.tree import command
from bluegrid.local import LocalServer, LocalVersion, pushed, require_server, service_name
from bluegrid.operations import ServiceUrl
from bluegrid.project import resolve_place
from bluegrid.signals import signals_interrupt
from bluegrid_registry import (
    BluegridError,
    ConfigError,
    DeclaredSet,
    ModelType,
    Remedy,
    Source,
    load_set,
    open_store,
    read_manifest,
)
from bluegrid_registry.contract import PORT
from bluegrid_registry.counts import counted
from bluegrid_registry.names import ServiceName

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bluegrid.project import Place

_REMEDIES: Mapping[Remedy, str] = {
    Remedy.TRUST_NAMES: "build it without, or, once that is known to be harmless: {options}",
    Remedy.MIX_KINDS: "serve other estimators by themselves, or allow them: --kinds mixed",
    Remedy.IGNORE_FILES: "rename or move what is a model, ignore what is not: --ignore PATTERN",
}
"""Options of this command in place of edits of a registry, which a folder does not have."""
_NO_NUMBERS = ("BYTES", "BOOL")
_MOST_VALUES = 12
"""Features of a model up to which the example command has them one by one."""


@command(
    epilog="Examples: `bluegrid serve models/ --type scikit-learn/skops`, "
    "`bluegrid serve g1 v2 --store file:///srv/store`"
)
def serve(
    source: Annotated[
        str, typer.Argument(metavar="FOLDER|SET", help="A folder of models; or, with VERSION, a set.")
    ],
    version: Annotated[
        str | None, typer.Argument(help="The version of the set, e.g. v2. Not with a folder.")
    ] = None,
    model_type: Annotated[
        str | None,
        typer.Option("--type", help="Framework and file type of a folder's models, e.g. scikit-learn/skops."),
    ] = None,
    stack: options.Stack = None,
    store: options.Store = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    service: Annotated[
        str | None,
        typer.Option(
            help="Name of the service in the URL. Default: the set's, or made from the name of set or folder."
        ),
    ] = None,
    trust: set_options.Trust = None,
    kinds: set_options.KindsOption = None,
    ignore: options.Ignore = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = PORT,
    workers: Annotated[int, typer.Option(help="Worker processes, one a CPU core.", min=1, max=256)] = 1,
    as_json: options.Json = False,
) -> None:
    """Serve a version, or a folder of models, on this machine.

    The server runs until Ctrl-C.

    It is the server of the pods, with the same paths, checks and answers, without Kubernetes. A folder is
    pushed to a temporary store first, with all checks of a push; `examples.json` in it is used. Afterwards
    nothing is left.
    """
    if version is not None and (model_type or trust or kinds or ignore):
        what = "settings of a set are in its YAML: leave out --type, --trust, --kinds and --ignore"
        raise typer.BadParameter(f"{source} {version}: {what}", param_hint="VERSION")
    _check_name(service)
    require_server()
    try:
        with signals_interrupt(), tempfile.TemporaryDirectory(prefix="bluegrid-serve-") as temporary:
            folder = Path(temporary)
            if version is not None:
                place = resolve_place(stacks, stack, store=store, only_reads=True)
                to_serve = _declared(source, version, place, registry, service)
            else:
                declared = _set_of(source, model_type, trust, kinds)
                to_serve = _folder(Path(source), declared, service, ignore, folder)
            with LocalServer(
                to_serve, folder, host=host, port=port, workers=workers, warn=output.warn
            ) as server:
                with Console(stderr=True).status("starting") as status:
                    # As text: in a plain string, rich would read `[x]` of a UID as markup.
                    server.wait_until_ready(lambda reason: status.update(Text(reason)))
                data = _served(to_serve, server.url)
                output.emit(as_json=as_json, data=data, text=_text(data, source if version is None else None))
                server.wait()
    # The usual end of a server.
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)


def _check_name(service: str | None) -> None:
    """Refuse a name that no service in a cluster can have."""
    try:
        TypeAdapter(ServiceName | None).validate_python(service)
    except ValidationError as error:
        fault = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise typer.BadParameter(fault, param_hint="--service") from None


def _declared(
    set_id: str, version_id: str, place: Place, registry: Path, service: str | None
) -> LocalVersion:
    file = load_set(registry, set_id)
    row, url = file.version(version_id), place.required_store
    # The server reads it too; here a store that refuses is reported at once, in the words of a command.
    read_manifest(open_store(url), set_id, version_id, row.manifest)
    own = file.service.name if file.service else service_name(set_id)
    return LocalVersion(url, file.set, row, service or own)


def _set_of(
    source: str, model_type: str | None, trust: list[str] | None, kinds: set_options.KindsRule | None
) -> DeclaredSet:
    """Return a set for the models of a folder."""
    if not Path(source).is_dir():
        raise ConfigError(
            f"{source}: no such folder; to serve a version of a set: bluegrid serve SET VERSION"
        )
    if model_type is None:
        raise typer.BadParameter("is missing, e.g. --type scikit-learn/skops", param_hint="--type")
    name = Path(source).resolve().name
    with output.checked_values():
        return DeclaredSet(
            id=service_name(name),
            name=name or source,
            task="local",
            type=ModelType.parse(model_type),
            source=Source.PLATFORM,
            trust=tuple(trust or ()),
            kinds="mixed" if kinds is set_options.KindsRule.MIXED else None,
        )


def _folder(
    folder: Path, declared: DeclaredSet, service: str | None, ignore: list[str] | None, temporary: Path
) -> LocalVersion:
    try:
        with bar("pushed") as progress:
            return pushed(
                folder, declared, service or declared.id, temporary / "store", ignore or (), progress
            )
    except BluegridError as error:
        if error.remedy is not None and error.remedy in _REMEDIES:
            raise BluegridError(error.message(_REMEDIES[error.remedy])) from None
        raise


def _served(version: LocalVersion, url: str) -> dict[str, Any]:
    client = ServiceUrl(url)
    uids = client.get("v2/models")["models"]
    return {
        "url": url,
        "service": version.service,
        "set": version.declared.id,
        "version": version.version.id,
        "manifest": version.version.manifest,
        "models": len(uids),
        "example": _example(client, uids[0]),
    }


def _example(client: ServiceUrl, uid: str) -> str:
    """Return a command that requests a prediction, or shows what the model takes if that is not numbers."""
    path = f"v2/models/{quote(uid, safe='')}"
    features = features_of(client.get(path).get("inputs", ()))
    if features is None:
        return shlex.join(["curl", f"{client.url}/{path}"])
    values = " ".join(["1"] * features) if features <= _MOST_VALUES else f"$(seq {features})"
    return f"{shlex.join(['bluegrid', 'predict', uid, '--url', client.url])} {values}"


def features_of(inputs: Sequence[Mapping[str, Any]]) -> int | None:
    """Return how many numbers a row has, by the metadata of a model's inputs; None: it has other values."""
    if not inputs or any(spec["datatype"] in _NO_NUMBERS for spec in inputs):
        return None
    shapes = [spec["shape"][1:] for spec in inputs]
    if len(shapes) == 1 and len(shapes[0]) == 1 and shapes[0][0] > 0:
        return int(shapes[0][0])
    # Of several inputs, a row can be a list only if each is a column of a table: (n, 1).
    return len(shapes) if shapes == [[]] or all(shape == [1] for shape in shapes) else None


def _text(data: Mapping[str, Any], folder: str | None) -> str:
    models = counted(data["models"], "model")
    of = folder or f"set {data['set']} version {data['version']}"
    return f"serving {models} of {of} at {data['url']} until Ctrl-C; try: {data['example']}"
