"""Keys of the cache: a program is used again only if it was built from the same inputs."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.toolchain import versions
from tools.toolchain.errors import ToolchainError

if TYPE_CHECKING:
    from tools.toolchain.programs import Program

SOURCES = Path(__file__).parent / "go"
GO = (1, 26, 0)
# No debugging information: it is stripped anyway, and takes a sixth of the time and a fifth of the cache.
FLAGS = ("-trimpath", "-buildvcs=false", "-mod=readonly", "-gcflags=all=-dwarf=false")
STRIPPED = "-s -w"
_REMEDY = f"programs are built with Go {GO[0]}.{GO[1]} or later; install it from https://go.dev/dl"


@dataclass(frozen=True)
class Platform:
    """The compiler and its target."""

    go: str
    goos: str
    goarch: str


def go_environment() -> dict[str, str]:
    """Return the environment of Go: the installed compiler, for this machine, without C."""
    ours = {"GOTOOLCHAIN": "local", "GOFLAGS": " ".join(FLAGS), "GOWORK": "off", "CGO_ENABLED": "0"}
    return {name: value for name, value in os.environ.items() if name not in ("GOOS", "GOARCH")} | ours


@functools.cache
def this_platform() -> Platform:
    """Return the platform of this machine.

    Raises:
        ToolchainError: Go is missing or too old.
    """
    try:
        done = subprocess.run(
            ["go", "env", "-json", "GOVERSION", "GOOS", "GOARCH"],
            env=go_environment(),
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise ToolchainError(f"go cannot be run ({error}): {_REMEDY}") from error
    values = json.loads(done.stdout)
    if (versions.parse(values["GOVERSION"]) or GO) < GO:
        raise ToolchainError(f"{values['GOVERSION']} is too old: {_REMEDY}")
    return Platform(values["GOVERSION"], values["GOOS"], values["GOARCH"])


def key_of(program: Program, platform: Platform, sources: Path = SOURCES) -> str:
    """Return twelve hexadecimal digits of a hash over all inputs of a program's build."""
    digest = hashlib.sha256()
    inputs = {
        name: value for name, value in asdict(program).items() if name not in ("fits", "seconds", "megabytes")
    }
    if not program.tags:
        del inputs["tags"]  # so that programs that were built before there were tags are used again
    digest.update(json.dumps([inputs, asdict(platform), FLAGS, STRIPPED], sort_keys=True).encode())
    for file in sorted((sources / program.source).iterdir()):
        digest.update(f"\n{file.name} {file.stat().st_size}\n".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
