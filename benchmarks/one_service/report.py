"""The page in docs, from the result alone: `python -m benchmarks.one_service.report RESULT FOLDER`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks import page
from benchmarks.one_service.divided import AT_A_TIME, EACH
from benchmarks.stack.report import table_of
from benchmarks.stack.switches import RATE

_METHOD = f"""\
## How it is measured

All on one machine, on the node and with the faked services of [the benchmark of stacks](stack.md): a
Kubernetes node with Contour and Envoy, an S3 server, the load and Pulumi share its cores. State is on
`file://`.

- *A switch* is `bluegrid switch SERVICE CLUSTER --up --yes`, timed from the command until the last answer of
  the old version, under {RATE:g} requests a second whose every answer is checked; nothing is retried. The
  command itself ends later: Pulumi then goes through the rest of the state.
- *A preview* is `bluegrid ci preview --base-commit BASE` in a clone of the project in which one service was
  switched since that commit, from the command to its end.
- *The build before* updates the same stack in turn with this one, by its own commands and its own program.
  Its preview is always one of all services.

## What bounds it

Pulumi's engine loads the whole state before an update, and writes all of it at each step, whichever resources
are the targets: with hundreds of services in one stack, that is nearly all of a switch
([ADR 46](../adr/0046-updates-of-some-services.md)). [Several stacks](several-stacks.md) have smaller states.
A preview of one service works in a copy with a part of the state, and reads the whole once.
"""

_DIVIDED = f"""\
## How it is measured

Switch and preview as in [a change of one service](one-service.md), on one of the stacks. There are stacks of
{EACH} services, each with a namespace of its own in the same Kubernetes cluster; all are in one registry, and
each service names its stack as its region. *A whole preview* runs `pulumi preview` in every stack,
{AT_A_TIME} at a time. Beside them stands one stack of few services, on a node of its own.

## What bounds it

A switch and a preview of one service follow the size of their stack. A whole preview takes CPU for each
object, in the engine, the program and the provider ([ADR 21](../adr/0021-time-of-a-preview.md)): dividing the
objects among stacks saves none of it, and each stack starts a program of its own.
"""


def write_report(result: dict[str, Any], folder: Path) -> Path:
    """Write the page; return its path."""
    body = [table_of(result["rows"]), _METHOD.strip()]
    return page.write("one-service", "A change of one service among many", result, body, folder)


def write_divided(result: dict[str, Any], folder: Path) -> Path:
    """Write the page about several stacks; return its path."""
    body = [table_of(result["rows"]), _DIVIDED.strip()]
    return page.write("several-stacks", "Services of a region in several stacks", result, body, folder)


if __name__ == "__main__":
    print(write_report(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])))
