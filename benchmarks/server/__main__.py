"""`python -m benchmarks.server`: measure, judge, write the result and its page."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import re
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.peers import venv_of
from benchmarks.result_files import commit, finish, result_of
from benchmarks.rows import OURS, goals_of
from benchmarks.server.measure import Bench
from benchmarks.server.plan import FULL, QUICK, TINY, Plan
from benchmarks.server.report import write_report
from benchmarks.server.servers import PEERS
from benchmarks.server.verdicts import rows_of
from bluegrid_registry import BluegridError, ConfigError

CHECKOUT = Path(__file__).parents[2]
SCRATCH = CHECKOUT / ".bluegrid" / "bench-server"
PINNED = ("mlserver", "kserve")
PACKAGES = ("scikit-learn", "onnxruntime", "uvicorn", "uvloop", "httptools", "orjson")


def main() -> int:
    """Run the benchmark; return 0 if every goal is met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help=f"a part of it, in minutes; writes to {SCRATCH}")
    size.add_argument("--tiny", action="store_true", help=f"a minute, proves nothing; writes to {SCRATCH}")
    chosen = parser.parse_args()
    plan = QUICK if chosen.quick else TINY if chosen.tiny else FULL
    # So that SIGTERM stops the servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        for peer in PINNED:
            venv_of(PEERS / peer)
        result = _measured(plan)
    except KeyboardInterrupt:
        return 130
    except BluegridError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return finish("server", result, write_report, None if plan is FULL else SCRATCH)


def _measured(plan: Plan) -> dict[str, Any]:
    server_core, *client_cores = sorted(os.sched_getaffinity(0))
    if not client_cores:
        raise ConfigError("one core for a server and one for the client are needed; found one")
    os.sched_setaffinity(0, client_cores)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bluegrid-bench-") as folder:
        measured = Bench(plan, Path(folder), server_core).run()
    rows = rows_of(measured, goals_of("server"))
    for row in rows:
        print(row, flush=True)
    return result_of(rows, _versions(), started, missing=measured.missing)


def _versions() -> dict[str, str]:
    pinned = {
        peer: re.findall(rf"^{peer}==(\S+)", (PEERS / peer / "requirements.txt").read_text(), re.MULTILINE)[0]
        for peer in PINNED
    }
    packages = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {OURS: commit(), "python": platform.python_version(), **pinned, **packages}


if __name__ == "__main__":
    sys.exit(main())
