"""Installs the examples of plug-ins as packages, for this process and its children."""

from __future__ import annotations

import os
import subprocess
import tomllib
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from bluegrid.image import environment, packages
from bluegrid_registry.model_types.model_type import model_types
from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXAMPLES = CHECKOUT / "examples"


@contextmanager
def installed(example: str | Path, work: Path) -> Iterator[None]:
    """Install an example and what it depends on, but for this project, below `work`.

    Args:
        example: name of an example, or a folder like it.
        work: a folder for the package.
    """
    project = tomllib.loads((EXAMPLES / example / "pyproject.toml").read_text())["project"]
    others = [each for each in project["dependencies"] if each != "bluegrid-server"]
    site = work / "site"
    subprocess.run(
        [
            packages.uv(), "pip", "install", "--quiet", "--no-deps", "--target", site,
            _wheel_in(work, EXAMPLES / example), *others,
        ],
        env=environment.of_programs(),
        check=True,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        patch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)
        model_types.cache_clear()
        yield
    model_types.cache_clear()


def _wheel_in(folder: Path, example: Path) -> Path:
    """Write the example's wheel, as its build backend would."""
    project = tomllib.loads((example / "pyproject.toml").read_text())["project"]
    points = "".join(
        f"[{group}]\n" + "".join(f"{point} = {value}\n" for point, value in named.items())
        for group, named in project["entry-points"].items()
    )
    name, version = project["name"].replace("-", "_"), project["version"]
    info = f"{name}-{version}.dist-info"
    files = {
        **{path.name: path.read_text() for path in example.glob("*.py")},
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": points,
        f"{info}/RECORD": "",
    }
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)
    return path
