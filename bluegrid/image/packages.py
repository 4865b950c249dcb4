"""Installs the locked dependencies of a family of frameworks into a folder for the image.

This machine installs them, with its index, proxy, certificates and cache. None of these, and no installer,
gets into the image.
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
    from bluegrid.image.commands import Commands
    from bluegrid.image.families import Family

_GLIBC = "manylinux_2_28"

_NEVER_RUN = (
    "**/tests",  # 40 MB; imported by nothing but tests
    "bin",  # programs of the packages
    "**/*.pyi",
    "**/*.pyx",
    "**/*.pxd",
    "**/*.h",
    "**/*.a",
    "zstandard/_cffi*",  # the backend for other Python implementations
    "pydantic/v1/**",
    "onnx/backend/test/**",
    # What OpenSTEF requires, and uses nothing of: drawing in a browser, storage over a network, the names of
    # countries in other languages, tables of panels and inverters.
    "plotly/labextension",
    "share/jupyter",
    "plotly/package_data/datasets",
    "plotly/package_data/*.js",
    "pyarrow/*_s3*",
    "pyarrow/*flight*",
    "pycountry/locales",
    "pvlib/data/*.[!h]*",
)

_SOURCE_ONLY = ("pyspark",)
"""Packages without wheels; they have no compiled parts."""

_AWS_SERVICES = frozenset({"s3", "sts", "sso", "sso-oidc", "signin"})
"""The services of botocore's 400 (28 MB) that are needed to read a store and get credentials."""


def requirements(commands: Commands, family: Family) -> str:
    """Return the dependencies of a family, without bluegrid's own: locked versions and hashes for pip."""
    chosen = [word for extra in family.extras for word in ("--extra", extra)]
    return commands.run(
        uv(), "export", "--quiet", "--project", source.lock_folder(family.plugin), "--frozen",
        "--package", family.distribution, *chosen, "--no-default-groups", "--no-emit-local",
        "--no-header", "--no-annotate", *(word for name in family.unused for word in ("--prune", name)),
    )  # fmt: skip


def install(commands: Commands, locked: str, python: str, into: Path) -> None:
    """Install `locked` for a Python version, and remove what never runs in a pod."""
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
    """Link scikit-learn's OpenMP for LightGBM, which needs the system's; a base may lack it.

    The Containerfile puts the link's folder into LD_LIBRARY_PATH.
    """
    if (packages / "lightgbm").is_dir():
        (library,) = (packages / "scikit_learn.libs").glob("libgomp-*.so*")
        link = packages / "openmp" / "libgomp.so.1"
        link.parent.mkdir()
        link.symlink_to(Path("..", library.parent.name, library.name))


def uv() -> str:
    """Return the path of uv: installed by tools/bootstrap or, otherwise, by the user.

    Raises:
        ImageError: uv was not found.
    """
    own = max(cache.root().glob("uv-*/bin/uv"), key=lambda path: path.stat().st_mtime, default=None)
    program = str(own) if own else shutil.which("uv") or os.environ.get("UV")
    if program is None:
        raise ImageError(
            "uv was not found, the image cannot be built: install it, https://docs.astral.sh/uv, or run"
            " tools/bootstrap in a checkout"
        )
    return program
