"""An environment with OpenSTEF, which needs a later Python than bluegrid."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from bluegrid import cache
from bluegrid.image.packages import uv

CHECKOUT = Path(__file__).parents[1]
ENVIRONMENT = CHECKOUT / ".bluegrid" / "openstef"
PYTHONS = ("3.13", "3.12")
"""Versions that OpenSTEF 4.7 and its compiled packages support, best first."""


def interpreter() -> Path:
    """Return the Python of an environment as openstef_plugin/uv.lock says: 1.2 GB, half a minute at first."""
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
