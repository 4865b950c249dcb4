"""`bluegrid update request`: requests a new version from an update server."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import Annotated, Any

import typer

from bluegrid.cli import durations, options, update_client, update_progress
from bluegrid.cli.progress import bytes_bar
from bluegrid.cli.tree import command
from bluegrid.cli.update_batch import packed
from bluegrid.cli.update_client import UpdateServer
from bluegrid_registry import ConfigError, ModelType


@command(
    epilog="Examples: `bluegrid update request g1 models/ --wait`, "
    "`bluegrid update request line-loading changed/ --base v4 --only line-17`, "
    "`bluegrid update request g1 --base v4 --train --parameter season=winter`"
)
def request(
    name: Annotated[str, typer.Argument(metavar="SET|SERVICE", help="The model set, or its service.")],
    server: update_client.Server,
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FOLDER]",
            help="Folder with a file or folder for each model, as `bluegrid push` takes it.",
        ),
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="The new version's ID. Default: the next, v5 after v4.")
    ] = None,
    base: options.Base = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="UID", help="Send only this model of FOLDER, or all that `line-9*` matches."),
    ] = None,
    without: options.Without = None,
    ignore: options.Ignore = None,
    path: Annotated[
        str | None, typer.Option(help="Take the models from this folder of the store, below `incoming/`.")
    ] = None,
    train: Annotated[bool, typer.Option("--train", help="Have the set's trainer make the models.")] = False,
    parameters: Annotated[
        list[str] | None,
        typer.Option("--parameter", metavar="NAME=VALUE", help="A parameter of the trainer; with --train."),
    ] = None,
    incompatible: Annotated[
        bool, typer.Option("--incompatible", help="Also if clients of the models that change would break.")
    ] = False,
    idempotency_key: Annotated[
        str | None,
        typer.Option(help="The same key is the same update, such as a job's ID, which may run twice."),
    ] = None,
    wait: update_progress.WaitForEnd = False,
    timeout: update_progress.Timeout = None,
    token: update_client.Token = None,
    token_file: update_client.TokenFile = None,
    as_json: options.Json = False,
) -> None:
    """Request a new version of a set from an update server.

    The models come from FOLDER, from the store (--path) or from the set's trainer (--train), or a version is
    made of a base without some models. Without --wait the command ends once the server has the request: an
    update goes on by itself. With --wait, exit code 1 if it fails, is rolled back or is held back; a trainer
    that has changed nothing is no failure, and makes no version.
    """
    _check(folder, base, only, ignore, path, parameters, train=train)
    seconds = None if timeout is None else durations.seconds(timeout, "--timeout")
    connection = UpdateServer.of(server, token, token_file)
    row = _set_of(connection, name)
    body: dict[str, Any] = {"version": version, "base": base, "path": path}
    body |= {"without": without or (), "incompatible": incompatible}
    if train:
        body["train"] = dict(_parameter(each) for each in parameters or ())
    if folder is not None:
        body["batch"] = _sent(connection, folder, ModelType.parse(row["type"]), only or [], ignore or [])
    headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
    update = connection.call("POST", f"/modelSets/{row['id']}/updates", body, headers)
    update_progress.finish(connection, update, wait=wait, seconds=seconds, as_json=as_json)


def _check(
    folder: Path | None,
    base: str | None,
    only: list[str] | None,
    ignore: list[str] | None,
    path: str | None,
    parameters: list[str] | None,
    *,
    train: bool,
) -> None:
    """Refuse options that do not fit together; the server checks the rest."""
    if (only or ignore) and folder is None:
        option = "--only" if only else "--ignore"
        raise typer.BadParameter("is for files in FOLDER: name the folder", param_hint=option)
    if only and base is None:
        message = "sends some models of a version: name it with --base, or leave --only out"
        raise typer.BadParameter(message, param_hint="--only")
    if parameters and not train:
        raise typer.BadParameter("is for the set's trainer: add --train", param_hint="--parameter")
    if sum((folder is not None, path is not None, train)) > 1:
        raise typer.BadParameter("models come from one of them", param_hint="FOLDER, --path or --train")


def _set_of(server: UpdateServer, name: str) -> dict[str, Any]:
    """Return the server's row of a set with this ID, or of the set of a service with this name."""
    rows = server.call("GET", "/modelSets")
    for key in ("id", "service"):
        if found := next((row for row in rows if row[key] == name), None):
            return dict(found)
    declared = ", ".join(row["id"] for row in rows) or "none"
    raise ConfigError(f"{server.url}: no set or service {name}; sets: {declared}")


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--parameter")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _sent(
    server: UpdateServer, folder: Path, model_type: ModelType, only: list[str], ignore: list[str]
) -> str:
    """Send the models of a folder, and return the digest of the upload."""
    with packed(folder, model_type, only, ignore) as batch, bytes_bar("sent", batch.size) as progress:
        server.upload(batch.digest, batch.file, batch.size, progress)
        return batch.digest
