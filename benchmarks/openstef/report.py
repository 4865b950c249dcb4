"""The page in docs, from the result alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks import page
from benchmarks.openstef.measure import THEIRS
from benchmarks.page import MET, goal, number, spread, table
from benchmarks.rows import OURS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_METHOD = f"""\
## How it is measured

All on one machine, in one run, both sides in turn; servers and clients share its cores.

- *Pipelines* are OpenSTEF's presets: 48 h ahead in quarter-hours, three quantiles, five columns, 60 days of
  SimBench's grid. TRAINED are trained, and published under all names. Each file has its target's name in
  it, so no two are equal.
- *{THEIRS}* is `MLFlowStorage`; bluegrid's is `BluegridStorage`, which takes its place.
  OpenSTEF's own callback calls either, in one process that has everything loaded. *On servers*: an MLflow
  server with SQLite, a folder of artifacts and one worker, beside an S3 server (versitygw). *As by default*:
  `mlflow server` has four workers, with which uvicorn leaves TCP_NODELAY out, so that most requests wait
  40 ms (its issue 3149); this is why goals are judged with one worker. *In folders*: MLflow's folder, which
  is OpenSTEF's default, beside one of bluegrid's. MLflow 3.13 and later refuse such a folder unless
  `MLFLOW_ALLOW_FILE_STORE` is set; it reads all experiments for each target. Both have fewer targets.
- *A forecast run* is what the callback does for each target before it forecasts, one after the other: find
  the newest finished run, load its model. MLflow is asked for each; bluegrid fetches the version as a batch,
  and compares every SHA-256. *Loading* is unpickling, for bluegrid with the scan of each pickle and all
  that the callback does around. *As data* are the same pipelines as `openstef/json`, fetched and loaded
  without OpenSTEF, as a pod does. Starting Python and importing is in none of them.
- *Forecasts* take the same on both sides, and are not in these times. One of each different pipeline is
  compared in each round: its times and quantiles, as bytes.
- *Publishing* is what the callback does after each fit, and for bluegrid the push of the version. MLflow gets
  a run for each model, with the data of its training as Parquet; bluegrid keeps models, metrics and tags,
  but no data and no plots, though the callback makes both. *With plots*, as by default, it draws the
  importance of features as a page of HTML with its JavaScript. *Without data and plots* is bluegrid's after
  `leave_out_artifacts`, as its trainer works and its documentation says, beside MLflow without plots. The
  comparison with the model before, another forecast for each, is turned off. *Pushing* is that of the pickles
  alone.
- *Requests and bytes* are counted by a proxy, both ways with headers, in runs that are not timed.
- *A pod* is its server with two workers, from the start of the process until it is ready, with fetch and
  verify; there are no recorded examples. Memory is that of all processes, shared pages once (PSS), after a
  request for some forecasts.
- *A forecast* is one `predict` in a process of one thread. *Within* a library is the time of calls into it
  and of all that it calls, under Python's profiler, which makes small calls look longer.
"""


_BOUNDS = """\
## What bounds it

A night's data and plots are made by OpenSTEF's callback on both sides, one model after the other. The plots
alone, the difference between both rows of a side, take longer than a tenth of MLflow's seconds; writing the
data and reading its extent takes longer than everything else that bluegrid does. What remains is pickling,
reading each pickle for the names in it, and the push. Loading is unpickling, after the same reading.
bluegrid pickles by Python's pickler in C, OpenSTEF by joblib's in Python, whose files load slower too.
"""


def write_report(result: dict[str, Any], folder: Path) -> Path:
    """Write the page; return its path."""
    rows: list[dict[str, Any]] = result["rows"]
    body = [
        "## Goals",
        _table([each for each in rows if each["goal"] is not None]),
        "## All figures",
        "Medians, with the least and the most.",
        _table(rows),
        _METHOD.replace("TRAINED", result["trained"]).strip(),
        _BOUNDS.strip(),
    ]
    return page.write(
        "openstef", "Beside OpenSTEF's MLflow storage", result, body, folder, f"Files are {result['files']}. "
    )


def _table(rows: Sequence[dict[str, Any]]) -> str:
    lines = [
        (
            each["work"],
            spread(each["samples"][OURS]),
            each["unit"],
            f"{spread(each['samples'][each['peer_name']])} {each['peer_name']}" if each["peer_name"] else "",
            number(each["ratio"]) if each["ratio"] is not None else "",
            goal(each["goal"]),
            MET[each["holds"]],
        )
        for each in rows
    ]
    return table(("", OURS, "unit", "beside", "times as good", "goal", "met"), lines)
