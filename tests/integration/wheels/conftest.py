from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from bluegrid import cache
from bluegrid.image.packages import uv
from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Wheels:
    """The wheels of this checkout, and the locked versions of what they require."""

    folder: Path

    def install(self, env: Path, *requirements: str) -> Path:
        """Make an environment with these requirements, and return the folder of its programs."""
        run_uv("venv", "--quiet", "--python", sys.executable, str(env))
        run_uv(
            "pip", "install", "--quiet", "--python", str(env / "bin" / "python"), "--no-config",
            "--constraint", str(self.folder / "locked.txt"), "--find-links", str(self.folder), *requirements,
        )  # fmt: skip
        return env / "bin"


def run_uv(*arguments: str) -> str:
    command: Sequence[str] = [uv(), *arguments]
    environment = {"UV_CACHE_DIR": str(cache.root() / "uv")} | os.environ
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    folder = tmp_path_factory.mktemp("wheels")
    run_uv("build", "--quiet", "--all-packages", "--wheel", "--out-dir", str(folder))
    locked = run_uv(
        "export", "--quiet", "--frozen", "--all-packages", "--no-default-groups", "--no-emit-workspace",
        "--no-hashes", "--no-header", "--no-annotate", "--all-extras", "--no-extra", "tensorflow",
    )  # fmt: skip
    (folder / "locked.txt").write_text(locked)
    return Wheels(folder)
