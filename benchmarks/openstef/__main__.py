"""`python -m benchmarks.openstef`: measure, judge, write the result and its page."""

from __future__ import annotations

import argparse
import json
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import MEMORY_FILES, folder_in_memory
from benchmarks.openstef import places, worker
from benchmarks.openstef.measure import Bench
from benchmarks.openstef.plan import FULL, Plan, small
from benchmarks.openstef.report import write_report
from benchmarks.openstef.verdicts import rows_of
from benchmarks.peers import venv_of
from benchmarks.result_files import CHECKOUT, commit, finish, result_of
from benchmarks.rows import OURS, goals_of
from bluegrid_registry import BluegridError
from tools import openstef, toolchain

SCRATCH = CHECKOUT / ".bluegrid" / "bench-openstef"
ROOM_BYTES = 10_000_000_000
"""Stores, MLflow's artifacts and fetched models need up to 6 GB; the rest is for the processes."""
PACKAGES = ("openstef-models", "mlflow-skinny", "pandas", "xgboost-cpu", "lightgbm", "scikit-learn")


def main() -> int:
    """Run the benchmark; return 0 if every goal is met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.openstef", description=__doc__)
    parser.add_argument("--targets", type=int, help=f"so many, in one round; writes to {SCRATCH}")
    targets = parser.parse_args().targets
    plan = FULL if targets is None else small(targets)
    # So that SIGTERM stops the servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        result = _measured(plan)
    except KeyboardInterrupt:
        return 130
    except BluegridError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return finish("openstef", result, write_report, None if plan is FULL else SCRATCH)


def _measured(plan: Plan) -> dict[str, Any]:
    program = toolchain.obtain(["versitygw"], toolchain.ProgressPrinter())["versitygw"]
    venv_of(places.PEER)
    python, memory = openstef.interpreter(), folder_in_memory(ROOM_BYTES)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bluegrid-bench-", dir=memory) as name:
        folder = Path(name)
        with (
            places.servers(program, folder) as servers,
            worker.running(python, folder / "worker") as process,
        ):
            measured = Bench(plan, process, python, folder).run(servers)
    rows = rows_of(measured, plan.targets, goals_of("openstef"))
    for row in rows:
        print(row, flush=True)
    return result_of(
        rows,
        {OURS: commit(), "python": platform.python_version(), **_versions(python)},
        started,
        files=f"in memory ({MEMORY_FILES})" if memory else f"on disk ({tempfile.gettempdir()})",
        trained=", ".join(f"{count} {kind}" for kind, count in plan.trained.items()),
    )


def _versions(python: Path) -> dict[str, str]:
    """Return the versions of the environment with OpenSTEF, and of MLflow's server."""
    code = (
        "import json, platform, sys; from importlib.metadata import version; "
        "print(json.dumps({each: version(each) for each in sys.argv[1:]} "
        "| {'python (of OpenSTEF)': platform.python_version()}))"
    )
    done = subprocess.run([python, "-c", code, *PACKAGES], capture_output=True, text=True, check=True)
    versions: dict[str, str] = json.loads(done.stdout)
    pinned = (places.PEER / "requirements.txt").read_text()
    return versions | {"mlflow (server)": re.findall(r"^mlflow==(\S+)", pinned, re.MULTILINE)[0]}


if __name__ == "__main__":
    sys.exit(main())
