"""Previews and updates without changes, by our program and by the floor, with growing numbers of services."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.stack import fakes, services
from benchmarks.stack.floor import Floor
from benchmarks.stack.switches import Switched, switch_back_and_forth

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from benchmarks.stack.plan import Plan
    from tools.demo.prepare import Prepared
    from tools.demo.workspace import Workspace

PREVIEW = ("preview", "--expect-no-changes")
UP = ("up", "--yes", "--skip-preview", "--expect-no-changes")
ALONE = "switch --up"
"""The command that updates one service alone."""
WORKS = {"preview": PREVIEW, "no-change up": UP}


@dataclass
class Size:
    """Measurements with one number of services.

    Attributes:
        objects: in Kubernetes.
        created: seconds in which the objects added since the previous size were created.
        ours, floor: seconds of each sample, by work.
        switched: by command, if one of the services was switched.
    """

    services: int
    objects: int
    created: float
    ours: dict[str, list[float]] = field(default_factory=dict)
    floor: dict[str, list[float]] = field(default_factory=dict)
    switched: dict[str, Switched] = field(default_factory=dict)


def measure(work: Workspace, prepared: Prepared, programs: Mapping[str, Path], plan: Plan) -> Iterator[Size]:
    """Grow the stack from size to size, and measure at each size."""
    floor = Floor(work)
    with fakes.running(work, programs):
        for count in plan.sizes:
            created = grow(work, count)
            size = Size(count, floor.take_over(), created)
            for _ in range(plan.samples):
                for name, command in WORKS.items():
                    size.ours.setdefault(name, []).append(work.pulumi(*command).require().seconds)
                    size.floor.setdefault(name, []).append(floor.pulumi(*command).require().seconds)
            if count in plan.switched:
                size.switched = {
                    "up": switch_back_and_forth(work, prepared, plan.switches, alone=False),
                    ALONE: switch_back_and_forth(work, prepared, plan.switches, alone=True),
                }
            yield size


def grow(work: Workspace, count: int) -> float:
    """Grow to `count` services; return the seconds of the update that creates the new ones."""
    services.declare_fakes(work, range(count - 1))
    return create(work)


def create(work: Workspace) -> float:
    """Create what a stack declares; return the seconds of the update."""
    # No pod answers for a faked service, so its routes cannot be proven.
    _prove_at(work, "")
    created = _update_quickly(work)
    _prove_at(work, work.place.route_url)
    _update_quickly(work)
    return created


def _prove_at(work: Workspace, address: str) -> None:
    work.pulumi("config", "set-all", f"--plaintext=bluegrid:routeAddress={address}").require()


def _update_quickly(work: Workspace) -> float:
    """Run `pulumi up`; return its seconds."""
    ran = work.run(
        "env",
        # One checkpoint at the end, not two for each object, which took ten minutes with 100 services.
        # The limits on requests are so high that they do not slow the update.
        "PULUMI_SKIP_CHECKPOINTS=true",
        "PULUMI_K8S_CLIENT_QPS=400",
        "PULUMI_K8S_CLIENT_BURST=800",
        *("pulumi", "up", "--yes", "--skip-preview", "--parallel", "64"),
        *("--stack", work.stack, "--config-file", str(work.stack_file)),
    )
    return ran.require().seconds
