"""The page in docs, from the result alone: `python -m benchmarks.stack.report RESULT FOLDER`."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import page
from benchmarks.page import MET, goal, number, spread, table
from benchmarks.plots import lines as plot_lines
from benchmarks.rows import OURS
from benchmarks.stack.argo import KEPT_SECONDS, REMOVED_SECONDS
from benchmarks.stack.growth import PREVIEW, UP
from benchmarks.stack.switches import RATE
from benchmarks.stack.verdicts import FLOOR

if TYPE_CHECKING:
    from collections.abc import Sequence

_LINE = re.compile(r"(?P<what>.+), (?P<span>\d+ to \d+ services), off a straight line")

_METHOD = f"""\
## How it is measured

All on one machine: a Kubernetes node with Contour and Envoy, an S3 server, the load and Pulumi share its
cores. State is on `file://`.

- One service has real pods. The pods of all others come to a second node, which kwok fakes: API server,
  scheduler and controllers work for them as for any, but no process is started and nobody answers. Nothing
  is skipped for them in Kubernetes or in Pulumi, but that their routes are not proven when they are created.
- Every service has two clusters: two Jobs, Deployments, Services, standing Ingresses, and one live Ingress.
- *The {FLOOR}* declares the very same objects with the same inputs, read from a file, in one loop: without
  components, dependencies, hooks, registry and checks. Its state is made of our stack's own, and an update
  that finds nothing to change shows that it declares the same; none of this is timed.
- A preview is `pulumi {" ".join(PREVIEW)}`, a no-change up `pulumi {" ".join(UP)}`; both programs in turn.
- *Creating* is one update with `PULUMI_SKIP_CHECKPOINTS=true`, 64 at a time: otherwise `file://` writes all
  of the state twice for each object.
- A switch is timed from the command until the last answer of the old version, under {RATE:g} requests a
  second whose every answer is checked; nothing is retried. `up` edits the registry and runs
  `pulumi up --yes --skip-preview`; `switch --up` is `bluegrid switch SERVICE CLUSTER --up --yes`.
- *Argo Rollouts* runs the same pod template behind the same proxy; its switch is timed from `kubectl apply`
  of the Rollout with the other version's pods.
  *To pods that run*: ours switches to its standby, Argo goes back to a ReplicaSet that it has kept
  (`scaleDownDelaySeconds: {KEPT_SECONDS}`). *To new pods, old ones removed*: ours adds a cluster, switches
  and takes the old one out in one update, Argo starts pods, switches and removes the old ones
  (`scaleDownDelaySeconds: {REMOVED_SECONDS}`).
- What differs: our time is one of a whole `pulumi up`, which begins with reading the registry, and before
  new pods it runs a preflight Job; Argo's controller runs all the time and watches the pods' readiness alone.
"""


def write_report(result: dict[str, Any], folder: Path) -> Path:
    """Write page and plot; return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = result["rows"]
    body = [
        "## Goals",
        table_of([row for row in rows if row["goal"] is not None]),
        *_plot(rows, folder),
        "## All figures",
        "Medians, with the least and the most.",
        table_of(rows),
        _METHOD.strip(),
    ]
    return page.write("stack", "Many services, switches, and Argo Rollouts", result, body, folder)


def table_of(rows: Sequence[dict[str, Any]]) -> str:
    """Return rows of a result as a table."""
    lines = [
        (
            row["work"],
            spread(row["samples"].get(OURS)) or number(row["ours"]),
            row["unit"],
            f"{spread(row['samples'][row['peer_name']])} {row['peer_name']}" if row["peer_name"] else "",
            number(row["ratio"]) if row["ratio"] is not None else "",
            goal(row["goal"]),
            MET[row["holds"]],
        )
        for row in rows
    ]
    return table(("", OURS, "unit", "beside", "times as good", "goal", "met"), lines)


def _plot(rows: Sequence[dict[str, Any]], folder: Path) -> list[str]:
    panels = {
        line["what"]: ("s", {int(count): samples for count, samples in row["samples"].items()})
        for row in rows
        if (line := _LINE.fullmatch(row["work"]))
    }
    if not panels:
        return []
    plot_lines(panels, folder / "stack-growth.svg", "services")
    return ["![Seconds against the number of services](stack-growth.svg)"]


if __name__ == "__main__":
    print(write_report(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])))
