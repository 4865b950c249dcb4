"""Entry point: the tree of commands; turns every known error into one line and exit code 1."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from bluegrid.cli import (
    check,
    clusters,
    compare,
    delete,
    doctor,
    export,
    fetch,
    gc,
    history,
    images,
    keys,
    logs,
    models,
    output,
    predict,
    preview_report,
    promote,
    push,
    resources,
    rollback,
    scale,
    serve,
    sets,
    sign,
    stacks,
    status,
    stop,
    stores,
    switch,
    tour,
    traffic,
    updates,
    verify,
    verify_signature,
    versions,
)
from bluegrid.cli.remedies import message_of
from bluegrid_registry import BluegridError

if TYPE_CHECKING:
    from collections.abc import Sequence

app = typer.Typer(
    name="bluegrid",
    help="Puts hundreds or thousands of small AI models online as one batch.",
    epilog="A day: `bluegrid push models/ --set g1 --version v2`, declare a cluster for it, `pulumi up`, "
    "`bluegrid switch line-loading d2`, `pulumi up`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command()(push.push)
app.command(epilog="Example: `bluegrid fetch g1 v2 models/ --only 'line-9*'`")(fetch.fetch)
app.command(epilog="Example: `bluegrid verify g1 --repair --source s3://copy/models`")(verify.verify)
app.command("gc", epilog="Example: `bluegrid gc --registry main/registry --delete`")(gc.collect)
app.command(epilog="Example: `bluegrid switch line-loading d2 --up --stack north`")(switch.switch)
app.command(epilog="Example: `bluegrid traffic line-loading d1=90 d2=10`")(traffic.traffic)
app.command(epilog="Example: `bluegrid rollback line-loading --up --stack north`")(rollback.rollback)
app.command(epilog="Example: `bluegrid promote line-loading d2 --regions north,east --bake 10m`")(
    promote.promote
)
app.command(epilog="Example: `bluegrid status line-loading --context north --watch`")(status.status)
app.command(epilog="Example: `bluegrid scale line-loading d1 4 --up --stack north`")(scale.scale)
app.command(epilog="Example: `bluegrid resources line-loading d1 --memory 4Gi`")(resources.resources)
app.command(epilog="Example: `bluegrid stop line-loading d1 --dry-run --stack north`")(stop.stop)
app.command(epilog="Example: `bluegrid delete line-loading --dry-run --stack north`")(delete.delete)
app.command(
    epilog="Examples: `bluegrid serve models/ --type scikit-learn/skops`, "
    "`bluegrid serve g1 v2 --store file:///srv/store`"
)(serve.serve)
app.command(
    # Negative numbers are values, not options.
    context_settings={"ignore_unknown_options": True},
    epilog="Examples: `bluegrid predict line-17 --url http://127.0.0.1:12345/modelService/models 12.5 3.1`, "
    "`bluegrid predict line-17 --url http://127.0.0.1:12345/modelService/models --data rows.json`, "
    "`bluegrid predict line-loading --cluster d2 --model line-17 --instances '[[12.5, 3.1]]'`",
)(predict.predict)
app.command(epilog="Example: `bluegrid compare line-loading d1 d2 --requests requests.jsonl`")(
    compare.compare
)
app.command(epilog="Example: `bluegrid logs line-loading d2 --since 10m --follow`")(logs.logs)
app.command(epilog="Example: `bluegrid history line-loading --last 5`")(history.history)
app.command(epilog="Example: `bluegrid doctor --context north --namespace bluegrid-north`")(doctor.doctor)
app.command(epilog="Example: `bluegrid check --preview preview-north.json`")(check.check)
app.command(epilog="Example: `bluegrid preview-report preview-*.json > comment.md`")(
    preview_report.preview_report
)
app.command(epilog="Example: `bluegrid tour --keep tour`")(tour.tour)
app.add_typer(sets.app)
app.add_typer(versions.app)
app.add_typer(models.app)
app.add_typer(clusters.app)
app.add_typer(stores.app)
app.add_typer(stacks.app)
app.add_typer(images.app)
app.add_typer(updates.app)
app.add_typer(updates.app, name="update", hidden=True)
app.add_typer(keys.app)
app.command()(sign.sign)
app.command()(verify_signature.verify_signature)
app.command()(export.export)


def main() -> None:
    """Run the command of this process."""
    try:
        sys.exit(run())
    except KeyboardInterrupt:
        output.refuse("interrupted; a push that is started again sends only what has not arrived")
        sys.exit(130)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; the only place that catches errors.

    Args:
        arguments: of the command, without the program's name; None: those of this process.
    """
    try:
        return app(arguments, standalone_mode=False) or 0
    except typer.TyperException as error:
        return _refuse_usage(error)
    except typer.Abort:
        return 130
    except BluegridError as error:
        output.refuse(message_of(error))
        return 1


def _refuse_usage(error: typer.TyperException) -> int:
    """Print on one line what is wrong with a command line; return the exit code."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else app.info.name
    # Without any argument the message is the help, which has been printed already.
    if message := " ".join(error.format_message().split()).rstrip(".?"):
        output.refuse(f"{message}; see `{path} --help`")
    return error.exit_code
