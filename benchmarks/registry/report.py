"""The page in docs, from the result alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks import page
from benchmarks.page import MET, goal, number, spread, table
from benchmarks.registry.plan import HISTORY_SETS
from benchmarks.registry.verdicts import MEMORY
from benchmarks.rows import OURS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_METHOD = f"""\
## How it is measured

Each command is a process of its own, with the start of Python and its imports. Its CPU time is that of the
process and of the git that it runs; its memory is its own peak (`VmHWM`), without git's.

- Every set has a service with two clusters, and its versions as `push` writes them.
- Edits are without `--up`, in turn, so that each changes the file, which they write with `fsync`.
- `Registry.load` and `offered` are what each run of the program pays, here in a process without Pulumi.
- Commits: a registry of {HISTORY_SETS} sets, in which each day one set gets a version, and every fifth
  time is switched. `history` shows all changes of one service.
"""


def write_report(result: dict[str, Any], folder: Path) -> Path:
    """Write the page; return its path."""
    rows: list[dict[str, Any]] = result["rows"]
    body = [
        "## Goals",
        _table([row for row in rows if row["goal"] is not None]),
        "## CPU",
        "Medians, with the least and the most.",
        _table([row for row in rows if row["unit"] != MEMORY]),
        "## Memory",
        _table([row for row in rows if row["unit"] == MEMORY]),
        _METHOD.strip(),
    ]
    return page.write("registry", "Reading and editing a registry", result, body, folder)


def _table(rows: Sequence[dict[str, Any]]) -> str:
    lines = [
        (
            row["work"],
            spread(row["samples"].get(OURS)) or number(row["ours"]),
            row["unit"],
            goal(row["goal"]),
            MET[row["holds"]],
        )
        for row in rows
    ]
    return table(("", OURS, "unit", "goal", "met"), lines)
