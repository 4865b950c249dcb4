"""The same work with a region's services divided among several stacks, each with a namespace of its own."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.one_service.previews import preview_of_one
from benchmarks.stack import fakes, services
from benchmarks.stack.growth import PREVIEW, create
from benchmarks.stack.switches import Switched, switch_back_and_forth
from tools.demo.workspace import SERVICE, Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tools.demo.prepare import Prepared

EACH = 25
"""Services in a stack."""
AT_A_TIME = 2
"""Previews side by side: one for each core of a small CI machine."""
_THERE_AND_BACK = 2


@dataclass
class Divided:
    """Measurements of one division.

    Attributes:
        services: number of services in the Kubernetes cluster.
        stacks: number of stacks that they are divided among.
        switched: one of the services.
        previewed: seconds of each preview of one changed service.
        whole: seconds of the previews of all stacks, `AT_A_TIME` side by side.
    """

    services: int
    stacks: int
    switched: Switched
    previewed: list[float]
    whole: list[float]


def measure(
    work: Workspace, prepared: Prepared, programs: Mapping[str, Path], count: int, rounds: int
) -> Divided:
    """Create stacks of `EACH` services until there are `count` services, and measure one of the stacks.

    Args:
        work: of the stack with the service that answers.
        prepared: the models and their requests.
        programs: downloaded or built, by name.
        count: number of services, a multiple of `EACH`.
        rounds: how often each measurement is repeated.
    """
    with fakes.running(work, programs):
        stacks = _divide(work, count)
        for each in stacks:
            create(each)
        switched = switch_back_and_forth(work, prepared, _THERE_AND_BACK * rounds, alone=True)
        return Divided(
            count,
            len(stacks),
            switched,
            preview_of_one(work, rounds),
            [_preview_all(stacks) for _ in range(rounds)],
        )


def _divide(work: Workspace, count: int) -> list[Workspace]:
    """Declare the services, each in the region of its stack; return all stacks."""
    others = [_beside(work, f"{work.stack}-{number:02d}") for number in range(1, count // EACH)]
    work.bluegrid("service", "set", SERVICE, f"regions={work.stack}").require()
    for number, each in enumerate((work, *others)):
        # The first stack has the service that answers too.
        first = number * EACH + (each is work)
        services.declare_fakes(work, range(first, (number + 1) * EACH), each.stack)
    return [work, *others]


def _beside(work: Workspace, stack: str) -> Workspace:
    """Return a new stack of the same project, without services."""
    beside = Workspace(work.checkout, work.state, work.place, work.programs, work.echo, stack)
    beside.add_stack()
    return beside


def _preview_all(stacks: Sequence[Workspace]) -> float:
    """Return the seconds of a whole preview of all stacks."""
    started = time.monotonic()
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for preview in pool.map(lambda each: each.pulumi(*PREVIEW), stacks):
            preview.require()
    return time.monotonic() - started
