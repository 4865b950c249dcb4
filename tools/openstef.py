"""An environment with OpenSTEF, which needs a later Python than bluegrid.

`python -m tools.openstef MODULE ARGUMENTS` runs a module in it; any Python 3.11 will do, without packages.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

from bluegrid import cache

CHECKOUT = Path(__file__).parents[1]
ENVIRONMENT = CHECKOUT / ".bluegrid" / "openstef"
PYTHONS = ("3.13", "3.12")
"""Versions that OpenSTEF 4.7 and its compiled packages support, best first."""


def interpreter() -> Path:
    """Return the Python of an environment as openstef_plugin/uv.lock says: 1.2 GB, half a minute at first."""
    subprocess.run(
        [
            _uv(), "sync", "--quiet", "--frozen", "--project", "openstef_plugin", "--no-default-groups",
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


@functools.cache
def _uv() -> str:
    """Return the path of uv, which is installed if it is missing."""
    done = subprocess.run(
        [CHECKOUT / "tools" / "bootstrap", "uv"], stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()


def _python() -> str:
    """Return a Python on this machine that OpenSTEF supports, or a version that uv then downloads."""
    # pyenv's own programs on PATH run a version only where one is chosen.
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    for version in PYTHONS:
        folders = [str(each) for each in sorted(pyenv.glob(f"{version}.*/bin"))]
        found = subprocess.run(
            [_uv(), "python", "find", "--no-project", "--no-python-downloads", version],
            env={**os.environ, "PATH": os.pathsep.join([*folders, os.environ["PATH"]])},
            capture_output=True,
            text=True,
            check=False,
        )
        if found.returncode == 0:
            return found.stdout.strip()
    return PYTHONS[0]


def main() -> None:
    """Become a module in the environment, whose programs are first on PATH."""
    python = interpreter()
    path = os.pathsep.join([str(python.parent), os.environ["PATH"]])
    os.execve(python, [str(python), "-m", *sys.argv[1:]], {**os.environ, "PATH": path})  # noqa: S606


if __name__ == "__main__":
    main()
