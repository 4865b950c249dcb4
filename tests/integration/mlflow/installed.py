"""MLflow in an environment of its own, since it wants other packages than bluegrid."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from bluegrid import cache
from bluegrid.image import environment, packages

PINNED = Path(__file__).with_name("requirements.txt")
"""Made by `uv pip compile --universal --python-version 3.11 --generate-hashes requirements.in`."""


def mlflow_programs() -> Path:
    """Return the folder of MLflow's programs; the first call installs them, in less than a minute.

    The environment is kept beside those of the benchmarks' peers, while the same packages are pinned.
    """
    folder = cache.root() / "peers" / f"mlflow-{sha256(PINNED.read_bytes()).hexdigest()[:12]}"
    # Written last: an interrupted installation leaves a folder without it.
    complete = folder / "complete"
    with cache.locked(folder.with_suffix(".lock"), lambda: None):
        if not complete.exists():
            _run("venv", "--clear", "--python", sys.executable, folder)
            python = folder / "bin" / "python"
            _run("pip", "install", "--python", python, "--require-hashes", "--compile-bytecode", "-r", PINNED)
            complete.touch()
    return folder / "bin"


def quiet(folder: Path) -> dict[str, str]:
    """Return the environment of MLflow's programs: no telemetry, and their files in a folder."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "PYTHONPATH"))
    }
    return kept | {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "HOME": str(folder),
        "GIT_PYTHON_REFRESH": "quiet",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    }


def _run(*arguments: str | Path) -> None:
    subprocess.run([packages.uv(), "--quiet", *arguments], env=environment.of_programs(), check=True)
