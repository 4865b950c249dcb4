"""`bluegrid push`: models from a folder become a version, in the store and in the registry."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from cli import output
from model_registry import (
    ProgressEvent,
    Registry,
    Version,
    add_version,
    models_in_folder,
    open_store,
    read_commit,
)
from model_registry import push as push_models

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def push(
    folder: Annotated[Path, typer.Argument(help="Folder with one file a model: `<uid>.skops`.")],
    set_id: Annotated[str, typer.Option("--set", help="The model set, e.g. g1.")],
    version: Annotated[str, typer.Option(help="The new version's ID, e.g. v2.")],
    store: Annotated[
        str, typer.Option(envvar="BLUEGRID_STORE", help="s3://bucket/prefix?endpoint=... or file:///path")
    ],
    base: Annotated[
        str | None, typer.Option(help="Start from this version; FOLDER holds what changes.")
    ] = None,
    registry: output.RegistryFolder = output.DEFAULT_REGISTRY,
    as_json: output.Json = False,
) -> None:
    """Publish the models in FOLDER as a new version, and add its row to the registry.

    Pushing the same models again changes nothing, sends nothing, and mends what was damaged in the store.
    """
    file = Registry.load(registry).of_set(set_id)
    models = models_in_folder(folder, file.set.type)
    opened = open_store(store)
    with _bar(len(models)) as told:
        report = push_models(
            opened,
            set_id,
            version,
            models,
            model_type=file.set.type,
            base=None if base is None else file.version(base),
            progress=told,
        )
    # The commit's own time, so that a push that is repeated writes the same row.
    published = read_commit(opened, set_id, version).time
    add_version(registry, set_id, Version(id=version, manifest=report.manifest, updated=published))
    sent = f"{report.sent_models} sent ({report.sent_bytes / 1e6:.2f} MB)"
    healed = f", {report.packs_healed} damaged packs replaced" if report.packs_healed else ""
    text = f"set {set_id} version {version}: {report.models} models, {sent}{healed}; {report.manifest[:19]}"
    output.emit(as_json=as_json, data=asdict(report), text=text)


@contextmanager
def _bar(models: int) -> Iterator[Callable[[ProgressEvent], None]]:
    """A bar of models on a terminal; nothing where no person looks."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.completed:.0f} of {task.total:.0f} models"),
        BarColumn(),
        TextColumn("{task.fields[sent]}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("push", total=models, sent="")

        def told(event: ProgressEvent) -> None:
            sent = f"{event.bytes / 1e6:.2f} MB sent"
            progress.update(task, completed=event.models, total=event.models_total, sent=sent)

        yield told
