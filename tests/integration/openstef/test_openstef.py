"""Forecasting models of OpenSTEF, trained, scanned, loaded and served in an environment with OpenSTEF."""

from __future__ import annotations

import re
import time
from pathlib import Path

from tests.support.checkout import CHECKOUT
from tests.support.endurance import measured, scale
from tests.support.openstef import run

INSIDE = Path(__file__).with_name("inside")


def test_pipelines_answer_as_openstef_does(interpreter: Path, tmp_path: Path) -> None:
    printed = run(
        interpreter, "-m", "pytest", "-q", "-c", str(INSIDE / "pytest.ini"), "--confcutdir", str(INSIDE),
        "--basetemp", str(tmp_path / "inside"), str(INSIDE), folder=tmp_path,
    )  # fmt: skip
    counted = re.search(r"^(\d+) passed.* in ", printed, re.MULTILINE)
    assert counted is not None, printed
    assert int(counted[1]) > 150
    assert "skipped" not in counted[0]


def test_the_example_serves_openstefs_own_forecasts(interpreter: Path, tmp_path: Path) -> None:
    # At full size: all transformers that feed a grid, 477, and loads.
    targets, started = scale(2, 3_686), time.monotonic()
    printed = run(
        interpreter, "-m", "examples.openstef", "--out", str(tmp_path / "grid"), "--targets", str(targets),
        folder=CHECKOUT,
    )  # fmt: skip
    lines = printed.splitlines()
    measured(targets=targets, seconds=round(time.monotonic() - started), printed=lines)
    assert lines[0].startswith(f"trained {targets} gblinear pipelines, ")
    assert lines[-1].startswith("all forecasts are OpenSTEF's own to the bit")
    files = (tmp_path / "grid" / "grid" / "registry").glob("*.yaml")
    assert "openstef/joblib" in "".join(each.read_text() for each in files)
    assert "P10 to P90" in (tmp_path / "grid" / "forecasts.svg").read_text()


def test_the_example_serves_pipelines_as_data(interpreter: Path, tmp_path: Path) -> None:
    printed = run(
        interpreter, "-m", "examples.openstef", "--out", str(tmp_path / "grid"), "--targets", "2",
        "--kind", "xgboost", "--type", "openstef/json", folder=CHECKOUT,
    )  # fmt: skip
    lines = printed.splitlines()
    assert lines[1].startswith("wrote them as data: ")
    assert lines[-1].startswith("all forecasts are OpenSTEF's own to the bit")
    files = (tmp_path / "grid" / "grid" / "registry").glob("*.yaml")
    assert "openstef/json" in "".join(each.read_text() for each in files)
