"""A process in the environment with OpenSTEF, which runs the steps of `inside`."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchmarks.result_files import CHECKOUT
from bluegrid_registry import BluegridError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

ENVIRONMENT = {
    **{f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")},
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    # OpenSTEF 4.7's default is a folder, which MLflow refuses since 3.13 without this.
    "MLFLOW_ALLOW_FILE_STORE": "true",
}


class WorkerEndedError(BluegridError):
    """The process ended within a step."""


class Worker:
    """The process.

    Args:
        requests: its stdin.
        answers: its stdout.
    """

    def __init__(self, requests: IO[str], answers: IO[str]) -> None:
        self._requests, self._answers = requests, answers

    def run(self, step: str, **arguments: Any) -> dict[str, Any]:
        """Run a step; return its result.

        Raises:
            WorkerEndedError: the step failed; its traceback is on stderr.
        """
        self._requests.write(json.dumps({"step": step, **arguments}) + "\n")
        self._requests.flush()
        answer = self._answers.readline()
        if not answer:
            raise WorkerEndedError(f"the step {step} failed; see above")
        found: dict[str, Any] = json.loads(answer)
        return found


@contextmanager
def running(python: Path, folder: Path) -> Iterator[Worker]:
    """Run the process until the end of the context; its files are in `folder`."""
    folder.mkdir()
    with subprocess.Popen(
        [python, "-m", "benchmarks.openstef.inside", folder],
        cwd=CHECKOUT,
        # The cached facts about the S3 server are those of this run.
        env={**os.environ, **ENVIRONMENT, "TMPDIR": str(folder), "XDG_CACHE_HOME": str(folder / "cache")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise ValueError("a process without pipes")
        try:
            yield Worker(process.stdin, process.stdout)
        finally:
            process.terminate()
