"""`bluegrid promote`: switches one region after the other, and back where requests fail."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from bluegrid.cli import durations, marks, options, output
from bluegrid.cli.tree import command
from bluegrid.promotion import BakeProgress, Outcome, Promotion, PromotionStopped, Stage, rehearse
from bluegrid.signals import signals_interrupt
from bluegrid_registry import BluegridError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path


@command(epilog="Example: `bluegrid promote line-loading d2 --regions north,east --bake 10m`")
def promote(
    service: options.Service,
    cluster: options.Cluster,
    regions: Annotated[
        str, typer.Option(help="The regions' stacks, in order, separated by commas: north,east.")
    ],
    bake: Annotated[
        str,
        typer.Option(metavar="TIME", help="How long each region is watched: 90s, 10m, 1h; 0: not at all."),
    ] = "10m",
    errors: Annotated[
        float,
        typer.Option(
            min=0, max=100, help="Percent of requests that may fail, beyond the percentage before the switch."
        ),
    ] = 1.0,
    all_back: Annotated[
        bool,
        typer.Option(
            "--all-back", help="If a region is switched back, switch back those promoted before it too."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Preview every region, and change nothing.")
    ] = False,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Make CLUSTER live region by region; watch each before the next.

    A region in which requests fail or pods end is switched back, and no further region is changed. Regions
    promoted before it have passed their own bake and stay, unless --all-back is given. Ctrl-C does the same.
    In every case YAML says in the end what is live where. Exit code 1 if CLUSTER is not live in every region.

    Run it in the project's folder, and commit the registry afterwards.
    """
    seconds, names = durations.seconds(bake, "--bake"), [each for each in regions.split(",") if each]
    if not names:
        raise typer.BadParameter("names no region", param_hint="--regions")
    promotion = Promotion(registry, service, cluster, stacks, names)
    if warning := marks.warning_of(registry, service, cluster):
        output.warn(warning)
    output.show_warnings("promotion")
    promotion.check()
    if dry_run:
        with signals_interrupt():
            _rehearse(promotion, registry, service, cluster, as_json=as_json)
        return
    try:
        with _shown() as report, signals_interrupt():
            outcomes = promotion.run(seconds, errors / 100, report, all_back=all_back)
    except PromotionStopped as stopped:
        if as_json:
            _print_json(service, cluster, stopped.outcomes)
        raise
    if as_json:
        _print_json(service, cluster, outcomes)
    else:
        typer.echo(f"{service}: {cluster} is live in {', '.join(each.region for each in outcomes)}")


@contextmanager
def _shown() -> Iterator[Callable[[Outcome, BakeProgress | None], None]]:
    """Yield a callback that prints each change on a line; on a terminal also the progress of the bake."""
    console = Console(stderr=True, highlight=False)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[failures]}"),
    )
    with Bar(
        *columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal, transient=True
    ) as bar:
        task = bar.add_task("", total=None, failures="")

        def report(outcome: Outcome, progress: BakeProgress | None) -> None:
            stage = f"{outcome.region}: {outcome.stage}"
            if progress is not None:
                failures = f"{progress.failed} of {progress.requests} requests failed"
                bar.update(task, completed=progress.seconds, total=progress.of, failures=failures)
                return
            bar.reset(task, total=None, description=stage, failures="")
            baked = f", {outcome.failed} of {outcome.requests} requests failed in the bake"
            is_baked = outcome.stage is Stage.LIVE and outcome.requests
            because = f": {outcome.why}" if outcome.why else ""
            console.print(f"{stage}{because}{baked if is_baked else ''}", markup=False, soft_wrap=True)

        yield report


def _rehearse(promotion: Promotion, registry: Path, service: str, cluster: str, *, as_json: bool) -> None:
    regions, errors = {}, []
    for stack in promotion.stacks:
        rehearsal = rehearse(registry, service, cluster, stack)
        errors += [f"{stack.region}: {error}" for error in rehearsal.errors]
        regions[stack.region] = {"changes": [*rehearsal.changes], "steps": [*rehearsal.steps]}
    if errors:
        raise BluegridError("\n".join(errors))
    lines = [
        f"{region}: {'; '.join(each['changes']) or 'nothing changes'}\n  " + "\n  ".join(each["steps"])
        for region, each in regions.items()
    ]
    output.emit(as_json=as_json, data=regions, text="\n".join(lines))


def _print_json(service: str, cluster: str, outcomes: Sequence[Outcome]) -> None:
    data = {"service": service, "cluster": cluster, "regions": [asdict(each) for each in outcomes]}
    output.emit(as_json=True, data=data, text="")
