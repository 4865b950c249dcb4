"""`python -m bluegrid.tour.line_loading --out DIR`: trains all versions and reports how good they are."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bluegrid.tour.line_loading.training import TrainingReport, train


def main() -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(prog="python -m bluegrid.tour.line_loading", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for v1, v2, v3, v4 and requests.json")
    try:
        report = train(parser.parse_args().out, _show)
    except FileExistsError as error:
        sys.exit(str(error))
    sys.stdout.write(_table(report))


def _show(what: str, done: int, total: int) -> None:
    if done % 40 == 0 or done == total:
        sys.stderr.write(f"{what}: {done} of {total}\n")


def _table(report: TrainingReport) -> str:
    lines = ["version  models  R2 median  lowest tenth  lowest  error median  largest (points of loading)"]
    lines += [
        f"{fit.version:7}  {fit.models:6}  {fit.r2_median:9.3f}  {fit.r2_tenth:12.3f}  {fit.r2_min:6.2f}"
        f"  {fit.error_median:12.2f}  {fit.error_max:7.2f}"
        for fit in report.fits
    ]
    return "\n".join([*lines, f"{report.seconds:.1f} s", ""])


if __name__ == "__main__":
    main()
