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
    from collections.abc import Iterator, Mapping, Sequence
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
        whole: seconds of the previews of all stacks, `AT_A_TIME` side by side; of the fewest services only.
    """

    services: int
    stacks: int
    switched: Switched
    previewed: list[float]
    whole: list[float]


def measure(
    work: Workspace, prepared: Prepared, programs: Mapping[str, Path], counts: Sequence[int], rounds: int
) -> Iterator[Divided]:
    """Create stacks of `EACH` services, and measure one of them at each number of services.

    Args:
        work: of the stack with the service that answers.
        prepared: the models and their requests.
        programs: downloaded or built, by name.
        counts: numbers of services, increasing multiples of `EACH`.
        rounds: how often each measurement is repeated.
    """
    stacks: list[Workspace] = []
    with fakes.running(work, programs):
        for count in counts:
            for number in range(len(stacks), count // EACH):
                stacks.append(_stack(work, number))
                create(stacks[-1])
            yield Divided(
                count,
                len(stacks),
                switch_back_and_forth(work, prepared, _THERE_AND_BACK * rounds, alone=True),
                preview_of_one(work, rounds),
                [_preview_all(stacks) for _ in range(rounds)] if count == counts[0] else [],
            )


def _stack(work: Workspace, number: int) -> Workspace:
    """Declare the services of a stack, which is their region; the first has the service that answers too."""
    each, first = work, number * EACH
    if number:
        each = _beside(work, f"{work.stack}-{number:02d}")
    else:
        work.bluegrid("service", "set", SERVICE, f"regions={work.stack}").require()
        first += 1
    services.declare_fakes(work, range(first, (number + 1) * EACH), each.stack)
    return each


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
