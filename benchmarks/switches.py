"""`make bench-switches`: switches back and forth under load, on the service that `make demo` left running.

Each switch is the literal `pulumi up`. The result is written to `results/switches.json`.
"""

from __future__ import annotations

import json
import statistics
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ruamel.yaml import YAML

from benchmarks.machine import machine
from bluegrid_registry import BluegridError, ConfigError, Registry
from tools import toolchain
from tools.demo import steps
from tools.demo.place import on_node
from tools.demo.prepare import CHECKOUT, MODELS, STATE
from tools.demo.printer import Printer
from tools.demo.scenario import RATE
from tools.demo.workspace import SERVICE, Workspace
from tools.load.process import Load
from tools.node import Node
from tools.toolchain.programs import PROGRAMS

if TYPE_CHECKING:
    from tools.load.report import LoadReport

TIMES = 10
HERE = Path(__file__).parent


def main() -> int:
    """Run the benchmark; return 0 if every goal is met."""
    try:
        rows = _rows(*_measure(Printer()))
    except BluegridError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    result = {
        "machine": machine(),
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {each.name: each.version for each in PROGRAMS},
        "rows": rows,
    }
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "switches.json").write_text(json.dumps(result, indent=1) + "\n")
    for row in rows:
        print(
            f"{row['work']:<45} {row['ours']:>10} {row['unit']:<9} {row['goal'] or ''} {row['holds'] or ''}"
        )
    return 0 if all(row["holds"] is not False for row in rows) else 1


def _measure(printer: Printer) -> tuple[list[float], LoadReport]:
    """Return the seconds of every `pulumi up`, and the report of the load."""
    if not (STATE / "demo").exists():
        raise ConfigError("no demo runs in this checkout: start it with `make demo`")
    place = on_node(Node.of_checkout(CHECKOUT), image="")
    work = Workspace(CHECKOUT, STATE / "demo", place, toolchain.programs_dir(), printer.of("run"))
    service = Registry.load(work.registry).of_service(SERVICE).service
    if service is None or not isinstance(service.live, str):
        raise ConfigError(f"{work.registry}: {SERVICE} is not as the demo leaves it; run `make demo`")
    live = service.live
    standby = next(cluster.id for cluster in service.clusters if cluster.id != live)
    seconds = []
    report = work.state / "bench.json"
    with Load.start(place.route_url, SERVICE, MODELS / "requests.json", report, RATE, seconds=1800) as load:
        for cluster in [standby, live] * TIMES:
            steps.edit_live(work, cluster)
            seconds.append(steps.up(work).require().seconds)
        return seconds, load.stop()


def _rows(seconds: list[float], load: LoadReport) -> list[dict[str, object]]:
    goals = YAML(typ="safe").load(HERE / "goals.yaml")["switches"]
    measured: list[tuple[str, str, float, str, object]] = [
        ("switches", "switches", len(seconds), "", None),
        ("requests sent meanwhile", "requests", load.sent, "", None),
        ("requests failed", "failed", load.failed_total, "", load.failed),
        ("requests a second", "", round(load.rate, 1), "1/s", None),
        ("longest time between two good answers", "", round(load.longest_gap_ms), "ms", None),
        ("latency, median", "", round(load.latency_ms.p50, 1), "ms", None),
        ("latency, 99th percentile", "", round(load.latency_ms.p99, 1), "ms", None),
        ("`pulumi up` of a switch, median", "", round(statistics.median(seconds), 1), "s", seconds),
    ]
    return [
        {
            "work": work,
            "ours": ours,
            "unit": unit,
            "goal": goals.get(goal),
            "holds": _holds(goals.get(goal), ours),
            "samples": samples,
        }
        for work, goal, ours, unit, samples in measured
    ]


def _holds(goal: dict[str, float] | None, value: float) -> bool | None:
    if goal is None:
        return None
    return goal.get("at_least", value) <= value <= goal.get("at_most", value)


if __name__ == "__main__":
    sys.exit(main())
