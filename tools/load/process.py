"""A load in a process of its own, so that the caller's other work cannot disturb it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tools.load.errors import LoadError
from tools.load.report import LoadReport

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

CHECKOUT = Path(__file__).parents[2]
START_SECONDS = 60.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.1


class Load:
    """A running load. As a context manager, it ends with its block at the latest.

    ```python
    with Load.start("http://10.77.0.2", "line-loading", requests, report) as load:
        load.wait_until(lambda figures: figures.ok > 0, seconds=10)
        ...
        result = load.stop()
    ```
    """

    def __init__(self, process: subprocess.Popen[bytes], report: Path, log: Path) -> None:
        self._process = process
        self._report = report
        self._log = log

    @classmethod
    def start(
        cls,
        url: str,
        service: str,
        requests: Path,
        report: Path,
        rate: float = 450.0,
        seconds: float = 600.0,
        host: str | None = None,
    ) -> Self:
        """Start a load and wait until it sends requests.

        Args:
            url: where the service is reached, without a path.
            service: its name.
            requests: file of inputs and each version's answers.
            report: file that gets live figures, then the result; a log is written beside it.
            rate: requests a second.
            seconds: after how many seconds the load ends by itself.
            host: host name of the service, if it differs from that of the URL.

        Raises:
            LoadError: the load did not start.
        """
        report.unlink(missing_ok=True)
        log = report.with_suffix(".log")
        command = [sys.executable, "-m", "tools.load", "--url", url, "--service", service]
        command += ["--requests", str(requests.resolve()), "--report", str(report.resolve())]
        command += ["--rate", str(rate), "--seconds", str(seconds)]
        command += [] if host is None else ["--host", host]
        with log.open("wb") as output:
            process = subprocess.Popen(command, cwd=CHECKOUT, stdout=output, stderr=output)
        load = cls(process, report, log)
        try:
            load._poll(report.exists, START_SECONDS, "did not start sending")
        except BaseException:
            load.kill()
            raise
        return load

    def figures(self) -> LoadReport:
        """Return figures that are at most half a second old."""
        return LoadReport.read(self._report)

    def wait_until(self, condition: Callable[[LoadReport], bool], seconds: float) -> LoadReport:
        """Wait until live figures satisfy `condition`; return them.

        Raises:
            LoadError: the condition did not hold within `seconds`, or the load ended.
        """
        self._poll(lambda: condition(self.figures()), seconds, "its figures did not become as expected")
        return self.figures()

    def stop(self) -> LoadReport:
        """Wait for the requests under way; return the result, also if the load has ended by itself.

        Raises:
            LoadError: the load ended without a result.
        """
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        report = self.figures()
        if not report.finished:
            raise self._error("ended without a result")
        return report

    def kill(self) -> None:
        """Kill the process, without a result."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _poll(self, condition: Callable[[], bool], seconds: float, fault: str) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if self._process.poll() is not None:
                raise self._error(f"ended with exit code {self._process.returncode}")
            if time.monotonic() > deadline:
                raise self._error(f"{fault} within {seconds:g} s")
            time.sleep(POLL_SECONDS)

    def _error(self, fault: str) -> LoadError:
        last_line = (self._log.read_text(errors="replace").strip().splitlines() or ["nothing"])[-1]
        return LoadError(f"load generator {fault}; its last line: {last_line}; log: {self._log}")
