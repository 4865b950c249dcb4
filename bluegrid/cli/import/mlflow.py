"""`bluegrid import mlflow`: makes a version of the newest runs of an MLflow server's experiments."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bluegrid.cli import completion, options, output, trust_offer
from bluegrid.cli.progress import bar, count_bar
from bluegrid.cli.tree import command
from bluegrid.mlflow import MlflowServer, aliased, download, newest_runs, plan_import
from bluegrid.mlflow.server import URI
from bluegrid.project import resolve_place
from bluegrid_registry import (
    ConfigError,
    FormatError,
    ModelSet,
    UntrustedNames,
    edit_set,
    load_set,
    read_manifest,
)
from bluegrid_registry.counts import counted
from bluegrid_registry.registry_files.next_version import next_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bluegrid.mlflow import ImportPlan
    from bluegrid.mlflow.downloads import Downloads
    from bluegrid.mlflow.sources import Origins
    from bluegrid_registry import PushReport, RegistryFile, SourceModel


@command(
    epilog="Examples: `bluegrid import mlflow --tracking-uri https://mlflow.example --experiments 'feeder/*' "
    "--set g1`, `bluegrid import mlflow --registered 'line-*' --alias champion --set g1 --dry-run`"
)
def mlflow(
    set_id: Annotated[
        str,
        typer.Option("--set", metavar="SET", help="The model set, e.g. g1.", autocompletion=completion.sets),
    ],
    tracking_uri: Annotated[
        str, typer.Option(envvar=URI, metavar="URL", help="Address of the MLflow tracking server.")
    ],
    experiments: Annotated[
        str | None,
        typer.Option(
            metavar="GLOB", help="Import the newest finished run of each such experiment, e.g. `feeder/*`."
        ),
    ] = None,
    registered: Annotated[
        str | None,
        typer.Option(
            metavar="GLOB", help="Import such registered models, each in the version that has --alias."
        ),
    ] = None,
    alias: Annotated[
        str | None, typer.Option(metavar="NAME", help="Alias of registered models, e.g. champion.")
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="The new version's ID, e.g. v2. Default: the next, v3 after v2.")
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            "--filter",
            metavar="FILTER",
            help="Only runs that meet this filter of MLflow's search, such as `tags.stage = 'final'`.",
        ),
    ] = None,
    artifact: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name under which runs logged the model, if they logged several."),
    ] = None,
    skip_refused: Annotated[
        bool,
        typer.Option(
            "--skip-refused",
            help="Push the others if some models cannot be imported; these stay as they are.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Download and push nothing; list what would change. No file is looked into.",
        ),
    ] = False,
    stack: options.Stack = None,
    store: options.Store = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Make a version of the newest runs of MLflow's experiments.

    Each experiment becomes one model of the set, and its name the UID. Run ID, user, commit, datasets,
    metrics, tags and requirements become the model's lineage.

    The next import downloads and pushes only models whose run has changed since the newest version of the
    set; its other models stay. If nothing has changed, nothing is pushed.

    Credentials are those of MLflow: MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and _PASSWORD.
    """
    if (experiments is None) == (registered is None):
        raise typer.BadParameter("name either of them", param_hint="--experiments or --registered")
    if (registered is None) != (alias is None):
        raise typer.BadParameter("belongs to --registered GLOB --alias NAME", param_hint="--alias")
    if where and registered:
        raise typer.BadParameter("is for runs of --experiments", param_hint="--filter")
    server = MlflowServer.of(tracking_uri)
    place = _Place(set_id, registry, resolve_place(stacks, stack, store=store).required_store)
    file = load_set(registry, set_id)
    # A name that is taken is refused before anything is downloaded.
    name = _new_id(file, version)
    with count_bar("runs found") as count:
        if registered is not None and alias is not None:
            origins = aliased(server, registered, alias, count)
        else:
            origins = newest_runs(server, experiments or "", where, count)
    done = _Import(file, _plan(place, file, origins), is_aliased=alias is not None)
    if done.plan.wanted and not dry_run:
        with tempfile.TemporaryDirectory(prefix="bluegrid-mlflow-") as folder:
            with count_bar("models downloaded") as count:
                wanted = done.plan.wanted
                found = download(server, wanted, Path(folder), file.set.type, set_id, artifact, count)
            _require_models(found, skip_refused=skip_refused, unchanged=done.plan.unchanged)
            report = _pushed(place, file, name, found.models) if found.models else None
            done = replace(done, plan=done.plan.except_for(found.faults), faults=found.faults, report=report)
    output.emit(as_json=as_json, data=done.data(), text=done.text())


@dataclass(frozen=True)
class _Place:
    set_id: str
    registry: Path
    store: str


def _new_id(file: RegistryFile, version: str | None) -> str:
    known = [each.id for each in file.versions]
    if version in known:
        raise ConfigError(f"set {file.set.id} has a version {version} already; choose another --version")
    return version or next_id(known)


def _plan(place: _Place, file: RegistryFile, origins: Origins) -> ImportPlan:
    newest = file.newest
    opened = ModelSet.open(place.set_id, place.registry, place.store)
    return plan_import(
        origins,
        read_manifest(opened.store, place.set_id, newest.id, newest.manifest) if newest else None,
    )


def _require_models(found: Downloads, *, skip_refused: bool, unchanged: int) -> None:
    """Refuse the import with a line for each fault, unless faults are to be skipped and models are left.

    Args:
        found: the models that are new or changed.
        skip_refused: whether faults are to be skipped.
        unchanged: number of models that the newest version has already.
    """
    faults = [*found.faults.values()]
    if faults and not skip_refused:
        count = f"{len(faults)} of {counted(len(faults) + len(found.models), 'model')} cannot be imported"
        remedy = "nothing was pushed; to push the others: --skip-refused"
        raise FormatError("\n".join([*faults, f"{count}; {remedy}"]))
    for fault in faults:
        output.warn(fault)
    if not found.models and not unchanged:
        raise FormatError(f"none of {counted(len(faults), 'model')} can be imported; nothing was pushed")


def _pushed(place: _Place, file: RegistryFile, version: str, models: Sequence[SourceModel]) -> PushReport:
    base = file.newest.id if file.newest else None

    def attempt() -> PushReport:
        with bar("sent") as progress:
            opened = ModelSet.open(place.set_id, place.registry, place.store)
            return opened.push(version, models, base=base, progress=progress)

    try:
        return attempt()
    except UntrustedNames as error:
        if not trust_offer.accepted(error, place.set_id):
            raise
        edit_set(place.registry, place.set_id, trust=error.models)
        return attempt()


@dataclass(frozen=True)
class _Import:
    """An import, and its result.

    Attributes:
        file: the set before the import.
        plan: what changes.
        is_aliased: whether models come from registered models.
        report: of the push; None: nothing was pushed.
        faults: a line for each model that could not be imported, by UID.
    """

    file: RegistryFile
    plan: ImportPlan
    is_aliased: bool
    report: PushReport | None = None
    faults: Mapping[str, str] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """Return the result for machines."""
        plan, report, newest = self.plan, self.report, self.file.newest
        return {
            "set": self.file.set.id,
            "base": newest.id if newest else None,
            "version": report.version if report else None,
            "manifest": report.manifest if report else None,
            "models": report.models if report else None,
            "sent_models": report.sent_models if report else 0,
            "sent_bytes": report.sent_bytes if report else 0,
            "added": [{"uid": each.uid, "run": each.identity} for each in plan.added],
            "changed": [{"uid": each.uid, "run": each.identity} for each in plan.changed],
            "unchanged": plan.unchanged,
            "refused": dict(self.faults),
            "without": [*plan.without],
            "others": [*plan.others],
        }

    def text(self) -> str:
        """Return the result for people."""
        plan = self.plan
        without = "without the alias" if self.is_aliased else "without a finished run"
        lists = {f"left out, {without}:": plan.without, "stays, as no name matches:": plan.others}
        if self.report is None:
            runs = {"+": plan.added, "~": plan.changed}
            named = {sign: [f"{each.uid} ({each.identity})" for each in of] for sign, of in runs.items()}
            lists = {**named, **lists}
        return output.with_lists(self._head(), lists)

    def _head(self) -> str:
        plan, report = self.plan, self.report
        since = f" since {self.file.newest.id}" if self.file.newest else ""
        counts = f"{len(plan.added)} added, {len(plan.changed)} changed, {plan.unchanged} unchanged{since}"
        refused = f"; {len(self.faults)} refused" if self.faults else ""
        if report is not None:
            version = f"set {report.set} version {report.version}: {counted(report.models, 'model')}"
            sent = f"{report.sent_models} sent ({report.sent_bytes / 1e6:.2f} MB)"
            return f"{version}; {counts}{refused}; {sent}; {report.manifest[:19]}"
        if plan.wanted:
            return f"set {self.file.set.id}: {counts}; nothing was pushed: --dry-run"
        unchanged = f"{plan.unchanged} unchanged{refused}"
        return f"set {self.file.set.id}: nothing changed{since}; {unchanged}, nothing was pushed"
