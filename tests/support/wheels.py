"""Wheels of this checkout, and environments with nothing but them and what they require."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid import cache
from bluegrid.image.packages import uv
from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

_FLOATING = ("protobuf", "googleapis-common-protos", "grpcio", "opentelemetry-")
"""What the lock overrides for pulumi-policy, which asks for protobuf 5: nobody else has that override."""
_PROJECTS = (".", "components", "model_registry", "model_server", "openstef_plugin")


@dataclass(frozen=True)
class Wheels:
    """The wheels of this checkout, and the locked versions of what they require."""

    folder: Path

    @classmethod
    def build(cls, folder: Path, checkout: Path = CHECKOUT) -> Wheels:
        """Build the wheels of a checkout, or of a copy of one."""
        for what in ("--all-packages", "openstef_plugin"):
            run_uv("build", "--quiet", what, "--wheel", "--out-dir", str(folder), cwd=checkout)
        locked = run_uv(
            "export", "--quiet", "--frozen", "--all-packages", "--no-default-groups", "--no-emit-workspace",
            "--no-hashes", "--no-header", "--no-annotate", "--all-extras", "--no-extra", "tensorflow",
        )  # fmt: skip
        lines = [line for line in locked.splitlines() if not line.startswith(_FLOATING)]
        lines += _locked_for_openstef({line.partition("==")[0] for line in lines})
        (folder / "locked.txt").write_text("\n".join(lines))
        return cls(folder)

    @classmethod
    def build_next(cls, folder: Path) -> Wheels:
        """Build the wheels of this checkout as its next version; only the number differs."""
        copy = folder / "checkout"
        listed = subprocess.run(
            [
                "git",
                "ls-files",
                "-z",
                "bluegrid",
                *_PROJECTS[1:],
                "*.toml",
                "*.md",
                "uv.lock",
                "LICENSE",
                "Pulumi.yaml",
            ],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split("\0")
        for name in filter(None, listed):
            if (CHECKOUT / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(CHECKOUT / name, copy / name)
        version, later = this_version(), next_version()
        for project in _PROJECTS:
            file = copy / project / "pyproject.toml"
            file.write_text(
                file.read_text().replace(f'"{version}"', f'"{later}"').replace(f"=={version}", f"=={later}")
            )
        return cls.build(folder / "wheels", copy)

    def install(self, env: Path, *requirements: str) -> Path:
        """Install requirements into an environment, new or not; return the folder of its programs."""
        if not env.exists():
            run_uv("venv", "--quiet", "--python", sys.executable, str(env))
        # Only our own: `--upgrade` would download every package again, and leave the old ones in the cache.
        names = {wheel.name.partition("-")[0] for wheel in self.folder.glob("*.whl")}
        ours = (word for name in names for word in ("--upgrade-package", name))
        run_uv(
            "pip", "install", "--quiet", *ours, "--python", str(env / "bin" / "python"), "--no-config",
            "--constraint", str(self.folder / "locked.txt"), "--find-links", str(self.folder), *requirements,
        )  # fmt: skip
        return env / "bin"


def _locked_for_openstef(others: Collection[str]) -> list[str]:
    """Return what pipelines as data need beside other packages, in the versions of the plug-in's lock."""
    locked = run_uv(
        "export", "--quiet", "--frozen", "--project", "openstef_plugin", "--extra", "json",
        "--no-default-groups", "--no-emit-local", "--no-hashes", "--no-header", "--no-annotate",
    )  # fmt: skip
    # Without the markers: the lock is for later versions of Python, on which these packages do not depend.
    lines = [line.partition(" ;")[0] for line in locked.splitlines()]
    return [line for line in lines if line.partition("==")[0] not in others]


def this_version() -> str:
    """Return the version of this checkout."""
    return str(tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"])


def next_version() -> str:
    """Return the version after it, which projects of this version take."""
    major, minor, patch = this_version().split(".")
    return f"{major}.{minor}.{int(patch) + 1}"


def run_uv(*arguments: str, cwd: Path = CHECKOUT) -> str:
    """Run uv with bluegrid's cache; return what it printed."""
    command: Sequence[str] = [uv(), *arguments]
    environment = {"UV_CACHE_DIR": str(cache.root() / "uv")} | os.environ
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
