"""Runs programs in the environment with OpenSTEF: see `tools/openstef.py`."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def run(interpreter: Path, *arguments: str, folder: Path) -> str:
    """Run Python in the environment, in `folder`; return what it printed."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "XDG_CACHE_HOME") if name in os.environ}
    done = subprocess.run(
        [interpreter, *arguments],
        cwd=folder,
        env={"PATH": f"{interpreter.parent}:{os.environ['PATH']}", **kept},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def train(interpreter: Path, folder: Path, days: int, *kinds: str) -> Mapping[str, Any]:
    """Train pipelines into a new folder; return a request and OpenSTEF's own answer for each, by UID."""
    module = "tests.integration.openstef.inside.train"
    run(interpreter, "-m", module, str(folder), str(days), *kinds, folder=CHECKOUT)
    examples: dict[str, Any] = json.loads((folder / "examples.json").read_text())
    return examples
