"""`python -m tools.load`: sends load until its time is over, SIGINT, SIGTERM, or the end of its parent."""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from tools.load.errors import LoadError
from tools.load.generator import Generator, Plan
from tools.load.requests import Request, read_requests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.load.report import LoadReport

MAX_SECONDS = 3600.0
REPORT_EVERY_SECONDS = 0.5


def main() -> int:
    """Run the command; return 1 if a request failed or none could be sent."""
    arguments = _arguments()
    try:
        requests = read_requests(arguments.requests, arguments.url, arguments.service)
    except LoadError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    plan = Plan(arguments.rate, arguments.seconds, host=arguments.host)
    report = uvloop.run(_load(plan, requests, arguments.report))
    sys.stdout.write(
        f"sent {report.sent} at {report.rate:.0f}/s, ok {report.ok}, failed {report.failed_total}, "
        f"longest gap {report.longest_gap_ms:.0f} ms, late sends {report.late_sends}\n"
    )
    return 1 if report.failed_total else 0


async def _load(plan: Plan, requests: Sequence[Request], path: Path) -> LoadReport:
    generator = Generator(plan, requests)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, generator.stop)
    watching = asyncio.create_task(_watch(generator, path))
    await generator.run()
    watching.cancel()
    report = generator.tally.report(generator.seconds, finished=True)
    report.write(path)
    return report


async def _watch(generator: Generator, path: Path) -> None:
    """Write live figures; stop the load when the process that started it has ended."""
    parent = os.getppid()
    while True:
        generator.tally.report(generator.seconds, finished=False).write(path)
        await asyncio.sleep(REPORT_EVERY_SECONDS)
        if os.getppid() != parent:
            generator.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.load", description=__doc__)
    parser.add_argument("--url", required=True, help="where the service is reached: http://ADDRESS[:PORT]")
    parser.add_argument("--host", help="host name of the service, where the URL's is another")
    parser.add_argument("--service", required=True)
    parser.add_argument("--requests", type=Path, required=True, help="inputs, and each version's answers")
    parser.add_argument(
        "--report", type=Path, required=True, help="gets live figures, then the result (JSON)"
    )
    parser.add_argument("--rate", type=_positive, default=450.0, help="requests a second (default 450)")
    parser.add_argument(
        "--seconds", type=_bounded, default=600.0, help=f"default 600, at most {MAX_SECONDS:g}"
    )
    return parser.parse_args()


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return number


def _bounded(text: str) -> float:
    number = _positive(text)
    if number > MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"{text} is more than {MAX_SECONDS:g}")
    return number


if __name__ == "__main__":
    sys.exit(main())
