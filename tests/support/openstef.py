"""An environment with OpenSTEF, which needs a later Python than bluegrid."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bluegrid import cache
from bluegrid.image.packages import uv
from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVIRONMENT = CHECKOUT / ".bluegrid" / "openstef"
PYTHONS = ("3.13", "3.12")
"""Versions that OpenSTEF 4.7 and its compiled packages support, best first."""


def environment() -> Path:
    """Return the interpreter of an environment as openstef_plugin/uv.lock says: 1.2 GB, at first 30 s."""
    subprocess.run(
        [
            uv(), "sync", "--quiet", "--frozen", "--project", "openstef_plugin", "--no-default-groups",
            "--group", "dev", "--group", "example", "--python", _python(),
        ],
        cwd=CHECKOUT,
        env={
            "UV_CACHE_DIR": str(cache.root() / "uv"),
            **os.environ,
            "UV_PROJECT_ENVIRONMENT": str(ENVIRONMENT),
        },
        check=True,
    )  # fmt: skip
    return ENVIRONMENT / "bin" / "python"


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


def _python() -> str:
    """Return a Python on this machine that OpenSTEF supports, or a version that uv then downloads."""
    # pyenv's own programs on PATH run a version only where one is chosen.
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    for version in PYTHONS:
        folders = [str(each) for each in sorted(pyenv.glob(f"{version}.*/bin"))]
        found = subprocess.run(
            [uv(), "python", "find", "--no-project", "--no-python-downloads", version],
            env={**os.environ, "PATH": os.pathsep.join([*folders, os.environ["PATH"]])},
            capture_output=True,
            text=True,
            check=False,
        )
        if found.returncode == 0:
            return found.stdout.strip()
    return PYTHONS[0]
