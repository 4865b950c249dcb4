"""Commands as processes: their CPU time, and the most memory that one of their processes had."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.registry.place import SERVICE, SET

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_PEAK = "VmHWM:"
# Not getrusage: its peak has that of the benchmark, from which the process was forked.
_TELL_PEAK = f"""\
import atexit, sys
from pathlib import Path
status = Path("/proc/self/status")
atexit.register(lambda: print(*(each for each in status.open() if "{_PEAK}" in each), file=sys.stderr))
"""
_BLUEGRID = ("-c", f"{_TELL_PEAK}from bluegrid.cli.main import main; main()")
_LOAD = (
    "-c",
    f"{_TELL_PEAK}from bluegrid_registry import Registry; Registry.load(Path('registry')).offered('north')",
)
LOAD = "`Registry.load` and `offered`"
"""What each run of the program pays."""
READS = {
    "`check`": (*_BLUEGRID, "check"),
    "`set list`": (*_BLUEGRID, "set", "list"),
    "`version list`": (*_BLUEGRID, "version", "list", SET),
    "`service show`": (*_BLUEGRID, "service", "show", SERVICE),
    LOAD: _LOAD,
}
"""Arguments of Python, by what is done."""
EDITS: Mapping[str, Sequence[Sequence[str]]] = {
    "`switch --dry-run`": [(*_BLUEGRID, "switch", SERVICE, "d2", "--dry-run")],
    "`switch`": [(*_BLUEGRID, "switch", SERVICE, f"d{live}") for live in (2, 1)],
    "`cluster scale`": [(*_BLUEGRID, "cluster", "scale", SERVICE, "d1", str(count)) for count in (3, 2)],
    "`cluster set`": [(*_BLUEGRID, "cluster", "set", SERVICE, "d1", f"cpu={cpu}") for cpu in (3, 2)],
}
"""Arguments of Python in turn, so that each edit changes the file."""
HISTORY = {
    "`history`": (*_BLUEGRID, "history", SERVICE),
    "`history --last 5`": (*_BLUEGRID, "history", SERVICE, "--last", "5"),
    "`rollback --dry-run`": (*_BLUEGRID, "rollback", SERVICE, "--dry-run"),
}


@dataclass(frozen=True)
class Used:
    """What a command took.

    Attributes:
        seconds: of CPU, its own and of the git that it ran.
        mib: peak memory of its own process.
    """

    seconds: float
    mib: float


def reads(folder: Path, samples: int) -> Iterator[tuple[str, list[Used]]]:
    """Yield commands that only read, with what each run took."""
    for name, arguments in READS.items():
        yield name, [_run(folder, arguments) for _ in range(samples)]


def edits(folder: Path, samples: int) -> Iterator[tuple[str, list[Used]]]:
    """Yield edits without an update, with what each run took."""
    for name, turns in EDITS.items():
        yield name, [_run(folder, turns[each % len(turns)]) for each in range(samples)]


def of_history(folder: Path, samples: int) -> Iterator[tuple[str, list[Used]]]:
    """Yield commands that read git, with what each run took."""
    for name, arguments in HISTORY.items():
        yield name, [_run(folder, arguments) for _ in range(samples)]


def _run(folder: Path, arguments: Sequence[str]) -> Used:
    """Run Python in the folder of a project; SystemExit with its errors if it fails."""
    with subprocess.Popen(
        [sys.executable, *arguments], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None  # noqa: S101 - it is a pipe
        errors = process.stderr.read().decode(errors="replace")
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"error: {' '.join(arguments[2:]) or 'Registry.load'}: {errors.strip()}")
    # In KiB (proc_pid_status(5)).
    peak = int(errors.rpartition(_PEAK)[2].split()[0])
    return Used(usage.ru_utime + usage.ru_stime, peak / 1024)
