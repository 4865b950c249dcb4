"""`bluegrid preview report`: writes a comment about the changes of a pull request."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated

import typer

from bluegrid.cli import options
from bluegrid.cli.tree import command
from bluegrid.previews import (
    Effects,
    Plan,
    RegionReport,
    check_plan,
    compare,
    effects_of,
    read_plan,
    render,
)
from bluegrid.previews.wording import listed
from bluegrid.states import ServiceChange, changes_between, states_of_objects, states_of_offered
from bluegrid_registry import ConfigError, Registry, Store, open_store

if TYPE_CHECKING:
    from collections.abc import Sequence


@command(epilog="Example: `bluegrid preview report preview-*.json > comment.md`")
def report(
    previews: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PREVIEW", help="Output of `pulumi preview --json --show-sames`; a file for each stack."
        ),
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option("--base-registry", help="Registry before the change, for regions that have no preview."),
    ] = None,
    region: Annotated[
        list[str] | None, typer.Option(help="A region to report from YAML alone, with --base-registry.")
    ] = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    store: options.StoreOfReport = None,
) -> None:
    """Write a comment for a pull request: what changes, risks first.

    The comment lists what is switched, made, scaled and deleted.

    The exit code is 0 whatever the report says; `bluegrid check --preview` refuses.
    """
    if region and base is None:
        raise ConfigError("--region needs the registry before the change; name it: --base-registry FOLDER")
    write(previews or (), base, [(name, name, False) for name in region or ()], registry, store)


def write(
    previews: Sequence[Path],
    base: Path | None,
    regions: Sequence[tuple[str, str, bool]],
    registry: Path,
    store: str | None,
) -> None:
    """Print the report.

    Args:
        previews: a file for each stack that has one.
        base: the registry before the change, for the other stacks.
        regions: of the other stacks: name, region, and whether they have only services that name it.
        registry: folder of registry files.
        store: the store that models are compared in; None: none.
    """
    after = Registry.load(registry)
    opened = open_store(store) if store else None
    reports = [_of_plan(path, after, opened) for path in previews]
    if base is not None:
        before = Registry.load(base)
        reports += [_of_registries(*each, before, after, opened) for each in regions]
    if not reports:
        raise ConfigError("there is nothing to report; name previews, or --base-registry and --region")
    typer.echo(render(reports), nl=False)


def _of_plan(path: Path, registry: Registry, store: Store | None) -> RegionReport:
    plan = read_plan(path)
    region = plan.stack or path.stem
    if plan.errors:
        return RegionReport(region, "failed preview", errors=plan.errors, details="\n".join(plan.errors))
    return _report(region, _changes(plan), registry, store, plan)


def _changes(plan: Plan) -> list[ServiceChange]:
    return changes_between(states_of_objects(plan.objects_before()), states_of_objects(plan.objects_after()))


def _of_registries(
    name: str, region: str, if_named: bool, before: Registry, after: Registry, store: Store | None
) -> RegionReport:
    offered = (each.offered(region, if_named=if_named) for each in (before, after))
    return _report(name, changes_between(*map(states_of_offered, offered)), after, store, None)


def _source(plan: Plan) -> str:
    if plan.excerpt is None:
        return "the preview"
    return f"the preview of {listed(plan.excerpt.services) or 'no service'}"


def _report(
    region: str, changes: list[ServiceChange], registry: Registry, store: Store | None, plan: Plan | None
) -> RegionReport:
    compared = {change.name: compare(change, registry, store) for change in changes}
    return RegionReport(
        region,
        source=", ".join([_source(plan), *plan.sizes])
        if plan
        else "from the registry files alone; the stack was not read",
        changes=changes,
        comparisons={name: comparison for name, comparison in compared.items() if comparison is not None},
        effects=effects_of(plan, changes) if plan else Effects(),
        findings=check_plan(plan) if plan else (),
        details=plan.listed() if plan else "",
        excerpt=plan.excerpt if plan else None,
    )
