"""The locked dependencies of a family of frameworks, as a folder that goes into the image.

They are installed from here and not inside the image: so the index, proxy and certificates that this machine
is set up with are used, and its cache; none of that gets into the image, nor does an installer.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bluegrid import cache
from bluegrid.image import source
from bluegrid.image.errors import ImageError
from bluegrid.image.trim import trim

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bluegrid.image.commands import Commands

_GLIBC = "manylinux_2_28"

_NEVER_RUN = (
    "**/tests",  # 40 MB; imported by nothing but tests
    "bin",  # programs of the packages
    "**/*.pyi",
    "**/*.pyx",
    "**/*.pxd",
    "**/*.h",
    "**/*.a",
    "zstandard/_cffi*",  # the backend of other Pythons
    "pydantic/v1/**",
    "onnx/backend/test/**",
)

_SOURCE_ONLY = ("pyspark",)
"""Published without wheels, and nothing in them to compile."""

_AWS_SERVICES = frozenset({"s3", "sts", "sso", "sso-oidc", "signin"})
"""What reading a store, and getting credentials for it, takes of botocore's 400 services (28 MB)."""


def requirements(commands: Commands, extras: Iterable[str]) -> str:
    """The exact versions and hashes of what the model server and some extras of its need, as pip has them."""
    chosen = [word for extra in extras for word in ("--extra", extra)]
    return commands.run(
        uv(), "export", "--quiet", "--project", source.lock_folder(), "--frozen",
        "--package", "bluegrid-server", *chosen, "--no-default-groups", "--no-emit-workspace",
        "--no-header", "--no-annotate",
    )  # fmt: skip


def install(commands: Commands, locked: str, python: str, into: Path) -> None:
    """Install `locked` for a Python version, and take out what never runs in a pod."""
    into.mkdir(parents=True)
    file = into.with_suffix(".txt")
    file.write_text(locked)
    # `sync` installs what the file lists; `install` would apply the overrides of a pyproject.toml to it.
    commands.run(
        uv(), "pip", "sync", "--quiet", "--python", sys.executable, "--python-version", python,
        "--python-platform", f"{platform.machine()}-{_GLIBC}", "--only-binary", ":all:",
        *(word for name in _SOURCE_ONLY for word in ("--no-binary", name)),
        "--require-hashes", "--target", into, file,
    )  # fmt: skip
    share_openmp(into)
    trim(into, _NEVER_RUN)
    trim(into / "botocore" / "data", ["*/"], keep=_AWS_SERVICES)


def share_openmp(packages: Path) -> None:
    """Let LightGBM find OpenMP where it looks for the system's, which a base need not have: scikit-learn's.

    The Containerfile has the link's folder in LD_LIBRARY_PATH.
    """
    if (packages / "lightgbm").is_dir():
        (brought,) = (packages / "scikit_learn.libs").glob("libgomp-*.so*")
        link = packages / "openmp" / "libgomp.so.1"
        link.parent.mkdir()
        link.symlink_to(Path("..", brought.parent.name, brought.name))


def uv() -> str:
    """Return the program uv: the one that tools/bootstrap has installed, otherwise one of the machine.

    Raises:
        ImageError: there is none.
    """
    own = max(cache.root().glob("uv-*/bin/uv"), key=lambda path: path.stat().st_mtime, default=None)
    found = str(own) if own else shutil.which("uv") or os.environ.get("UV")
    if found is None:
        raise ImageError(
            "uv was not found, the image cannot be built: install it, https://docs.astral.sh/uv, or run"
            " tools/bootstrap in a checkout"
        )
    return found
