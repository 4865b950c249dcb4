"""The page in docs, from the result alone: `python -m benchmarks.server.report RESULT FOLDER`."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import page, plots
from benchmarks.page import MET, goal, number, spread, table
from benchmarks.rows import OURS
from benchmarks.server.plan import INPUTS

if TYPE_CHECKING:
    from collections.abc import Sequence

_GROWTH = re.compile(r"(?P<count>[\d,]+) models: (?P<what>one request|memory held)")

_METHOD = f"""\
## How it is measured

Every server runs on one core of its own, alone, and the client on another; they are started again in every
round, in turn, with the same models and the same requests of the Open Inference Protocol v2: JSON, one row of
{INPUTS} numbers, HTTP/1.1 with connections that are kept. A model is a Ridge regression of scikit-learn. A
connection asks again as soon as it is answered. Before a server is measured its answer is compared with the
model's own, and before a rate it is under the same load for some seconds.

- *bare loop* is no peer but a yardstick: uvicorn, uvloop, httptools and orjson around the same model, without
  checks of any kind.
- *forest*: a random forest of 20 trees of depth 6, over the most connections. Ours computes its table; with
  `accelerate: none` scikit-learn does. The bare loop runs it by ONNX Runtime.
- *nearest neighbours*: a model that only scikit-learn computes, in a worker, over the most connections.
- *all models*: one request for all of them to ours; to a peer, which has no such request, one after the other
  for each model over the most connections. Compared are the times in which all models have answered.
- *start*: until the ready endpoint says so; ours fetches and verifies the version first, from a folder.
- *killed*: all processes of the server at once, under load over 4 connections; the next one finds the files
  of the last, as a container that is started again.
- *memory*: of all processes of a server, what they share counted once (PSS), after all models were asked.
- Figures are medians of all rounds, with the least and the most.
- A ratio says how many times as good as the best peer ours is: below 1 it is worse.
"""


def write_report(result: dict[str, Any], folder: Path) -> Path:
    """Write page and plot; return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = result["rows"]
    missing = [f"- Left out: {work}: {why.splitlines()[0]}" for work, why in result["missing"].items()]
    body = [
        _rows(rows),
        *(["\n".join(missing)] if missing else []),
        *_plot(rows, folder),
        _METHOD.strip(),
    ]
    return page.write("server", "The model server, beside other servers", result, body, folder)


def _rows(rows: Sequence[dict[str, Any]]) -> str:
    lines = [
        (
            row["work"],
            spread(row["samples"].get(OURS)) or number(row["ours"]),
            row["unit"],
            "; ".join(f"{name} {spread(samples)}" for name, samples in row["samples"].items() if name != OURS)
            if row["ratio"]
            else "",
            number(row["ratio"]) if row["ratio"] else "",
            goal(row["goal"]),
            MET[row["holds"]],
        )
        for row in rows
    ]
    return table(("", OURS, "unit", "beside", "times the best of these", "goal", "met"), lines)


def _plot(rows: Sequence[dict[str, Any]], folder: Path) -> list[str]:
    panels: dict[str, tuple[str, plots.Line]] = {
        "one request": ("us", {}),
        "memory held": ("MiB", {}),
    }
    for row in rows:
        if found := _GROWTH.fullmatch(row["work"]):
            panels[found["what"]][1][int(found["count"].replace(",", ""))] = row["samples"][OURS]
    if not all(line for _, line in panels.values()):
        return []
    plots.lines(panels, folder / "server-growth.svg")
    return ["![Latency and memory against the number of models](server-growth.svg)"]


if __name__ == "__main__":
    print(write_report(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])))
