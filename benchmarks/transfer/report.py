"""The page in docs, from the result alone: `python -m benchmarks.transfer.report RESULT FOLDER`."""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import page
from benchmarks.page import MET, goal, number, span, spread, table
from benchmarks.plots import lines as plot_lines
from benchmarks.transfer import plots
from benchmarks.transfer.cells import FAR_BEHIND, LEFT_BEHIND, SLOW_SECONDS, WORKS
from benchmarks.transfer.clients import ONE_BY_ONE, OneObject
from benchmarks.transfer.ours import Ours

if TYPE_CHECKING:
    from collections.abc import Sequence

_CELL = re.compile(rf"(?P<work>{'|'.join(WORKS)}) (?P<models>.+), (?P<rtt>\d+) ms(?P<yard>: against .+)?")
_LINE = re.compile(r"(?P<what>.+), off a straight line")

_METHOD = f"""\
## How it is measured

Every tool moves the same models between the same folder and the same S3 server, on one machine, in one run
and in turn; server, tools and the proxy that makes the way longer share its cores. A round trip of 0 ms goes
straight to the server; for the others every byte arrives half a round trip later, a new connection costs one
more, and bandwidth is not throttled. Libraries are called in a process that has them loaded, and open new
connections for each sample; programs (`aws`, `s5cmd`) are started, which is part of their time.

- A random model is the smallest skops file around random bytes, so there is nothing to compress; *real skops
  models* are those of `examples/line_loading`, which compress.
- *push*: from a folder of files until the store has all of them; each peer with the checksum on the way up
  that it has by itself. *fetch into memory* and *into files*: every model's SHA-256 compared with a list, by
  all tools; ours does it by itself, for the others it is done after the download and counts.
- After the first sample of each tool both sides are compared, model by model, outside of the time.
- *one object* is no peer but a yardstick: the same bytes in one request, and for files cut and written. How
  many times as fast as the best peer it is bounds what anything that sends one version as a batch can reach.
- What bounds small versions is in [ADR 50](../adr/0050-early-packs.md): the commit has to wait for the packs,
  a round trip, and a push waits for the store's copy of them.
- Figures are medians in seconds, with the least and the most. `boto3 one by one` moves {ONE_BY_ONE} models
  and is scaled; a peer that takes more than {SLOW_SECONDS} s and {FAR_BEHIND} times as long as the fastest
  peer is measured once.
- An empty place: the tool cannot do it, or it was more than {LEFT_BEHIND} times as slow as the fastest peer
  with fewer models of the same size and was left out.
- 2 MB models are 200, not 3,207, which would be 6.4 GB a sample.
"""


def write_report(result: dict[str, Any], folder: Path) -> Path:
    """Write page and plots; return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = result["rows"]
    plotted = _plot(rows, folder)
    body = [
        "## Goals",
        _goals(rows),
        *(f"![{alt}]({file})" for alt, file in plotted),
        *(f"## {work[0].upper()}{work[1:]}\n\n{_cells(rows, work)}" for work in WORKS),
        "## One changed model, memory, growth",
        _others(rows),
        _METHOD.strip(),
    ]
    return page.write(
        "transfer",
        "Moving models, beside other tools",
        result,
        body,
        folder,
        f"Server and files are {result['files']}. ",
    )


def _goals(rows: Sequence[dict[str, Any]]) -> str:
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["goal"] is not None:
            groups[_group(row["work"])].append(row)
    lines = []
    for name, group in groups.items():
        missed = [row for row in group if not row["holds"]]
        values = [row["ours"] if row["ratio"] is None else row["ratio"] for row in group]
        unit = group[0]["unit"] if group[0]["ratio"] is None else "times as fast"
        goals = " / ".join(dict.fromkeys(goal(row["goal"]) for row in group))
        verdict = "holds" if not missed else f"missed in {len(missed)} of {len(group)}"
        lines.append((name, goals, f"{span(values)} {unit}", verdict))
    return table(("", "goal", "measured", ""), lines)


def _group(work: str) -> str:
    cell = _CELL.fullmatch(work)
    if cell is None:
        return re.sub(r"^(.+) [\d,]+ x .+: peak memory$", r"\1: peak memory", work)
    return cell["work"] + (
        cell["yard"] or f", {cell['models'].partition(' x ')[2]} models: against the best peer"
    )


def _cells(rows: Sequence[dict[str, Any]], work: str) -> str:
    found = [
        (match, row) for row in rows if (match := _CELL.fullmatch(row["work"])) and match["work"] == work
    ]
    cells = [(match, row) for match, row in found if not match["yard"]]
    tools = list(dict.fromkeys(tool for _, row in cells for tool in row["samples"]))
    tools.sort(key=[Ours.name].__contains__, reverse=True)
    lines = [
        (
            match["models"],
            f"{match['rtt']} ms",
            *(spread(row["samples"].get(tool)) for tool in tools),
            number(row["ratio"]),
            number(row["peer"] / median(row["samples"][OneObject.name])),
            MET[row["holds"]],
        )
        for match, row in cells
    ]
    head = ("models", "round trip", *tools, "times the best peer", "one object would be", "goal met")
    return table(head, lines)


def _others(rows: Sequence[dict[str, Any]]) -> str:
    lines = [
        (
            row["work"],
            spread(row["samples"].get(Ours.name)) or number(row["ours"]),
            row["unit"],
            f"{number(row['peer'])} {row['peer_name']}" if row["peer"] else "",
            goal(row["goal"]),
            MET[row["holds"]],
        )
        for row in rows
        if not _CELL.fullmatch(row["work"])
    ]
    return table(("", Ours.name, "unit", "beside", "goal", "met"), lines)


def _plot(rows: Sequence[dict[str, Any]], folder: Path) -> list[tuple[str, str]]:
    written = []
    panels: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    most = _most_models(rows)
    for row in rows:
        cell = _CELL.fullmatch(row["work"])
        if cell and not cell["yard"] and cell["models"] == most:
            count = int(most.partition(" x ")[0].replace(",", ""))
            panels[f"{cell['work']}, {most}"][f"{cell['rtt']} ms"] = {
                tool: count / median(samples)
                for tool, samples in row["samples"].items()
                if tool != OneObject.name
            }
    if panels:
        plots.speeds(panels, folder / "transfer-speed.svg")
        written.append((f"Models a second by tool, {most}", "transfer-speed.svg"))
    grown = {
        line["what"].replace(": ", "\n"): (
            "s" if line["what"].endswith("time") else "MiB",
            {int(count.replace(",", "")): samples for count, samples in row["samples"].items()},
        )
        for row in rows
        if (line := _LINE.match(row["work"]))
    }
    if grown:
        plot_lines(grown, folder / "transfer-growth.svg")
        written.append(("Time and memory against the number of models", "transfer-growth.svg"))
    return written


def _most_models(rows: Sequence[dict[str, Any]]) -> str:
    """Return the kind of models in the goals with the largest number, such as `3,207 x 20 KB`."""
    named = {cell["models"] for row in rows if (cell := _CELL.fullmatch(row["work"]))}
    headline = [each for each in named if each.endswith(" x 20 KB")]
    return max(headline, key=lambda each: int(each.partition(" x ")[0].replace(",", "")), default="")


if __name__ == "__main__":
    print(write_report(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])))
