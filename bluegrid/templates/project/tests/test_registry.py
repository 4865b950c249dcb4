"""The registry has no mistakes: `pip install pytest && pytest`."""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]
BLUEGRID = Path(sys.executable).with_name("bluegrid")


def test_the_registry_has_no_mistakes() -> None:
    done = subprocess.run([BLUEGRID, "check"], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
