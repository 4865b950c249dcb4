"""Switches and previews of one service, with growing numbers of services beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.one_service.previews import preview_of_one
from benchmarks.stack import fakes
from benchmarks.stack.growth import grow
from benchmarks.stack.switches import Switched, switch_back_and_forth

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchmarks.one_service.build_before import BuildBefore
    from tools.demo.prepare import Prepared
    from tools.demo.workspace import Workspace

_THERE_AND_BACK = 2


@dataclass
class Size:
    """Measurements with one number of services.

    Attributes:
        services: number of services in the stack.
        switched: of this build.
        switched_before: of the build before; None: not measured.
        previewed: seconds of each preview of one changed service.
        previewed_before: seconds of each preview of the build before, which is always whole.
    """

    services: int
    switched: Switched
    switched_before: Switched | None
    previewed: list[float]
    previewed_before: list[float]


def measure(
    work: Workspace,
    prepared: Prepared,
    programs: Mapping[str, Path],
    before: BuildBefore | None,
    sizes: Sequence[int],
    rounds: int,
) -> Iterator[Size]:
    """Grow the stack from size to size, and measure both builds in turn at each size.

    Args:
        work: of this build.
        prepared: the models and their requests.
        programs: downloaded or built, by name.
        before: the build before; None: this build alone.
        sizes: numbers of services, from few to many.
        rounds: how often each build switches there and back.
    """
    with fakes.running(work, programs):
        for count in sizes:
            grow(work, count)
            ours, theirs = Switched(), Switched()
            for _ in range(rounds):
                ours += switch_back_and_forth(work, prepared, _THERE_AND_BACK, alone=True)
                if before is not None:
                    theirs += switch_back_and_forth(before, prepared, _THERE_AND_BACK, alone=True)
            yield Size(
                count,
                ours,
                None if before is None else theirs,
                preview_of_one(work, rounds),
                [] if before is None else [before.pulumi("preview").require().seconds],
            )
