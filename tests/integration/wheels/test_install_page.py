"""The commands of docs/install.md, from the wheels of this checkout: each in an empty environment."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.wheels import Wheels

PAGE = (CHECKOUT / "docs" / "install.md").read_text()
INSTALL = "pip install "
ROWS = dict(re.findall(rf"^\| (.+?) \| `{INSTALL}(.+?)` \|$", PAGE, re.MULTILINE))
"""The rows of the table: a use, and what is installed for it."""

PACKAGES = {
    ".": "bluegrid",
    "./model_registry": "bluegrid-registry",
    "./model_server": "bluegrid-server",
    "./components": "bluegrid-components",
}
"""The package in each folder of a checkout."""

PROOFS = {
    "you push,": "import bluegrid.cli.main",
    "serve models": "import bluegrid_server.serve, sklearn, skops, bluegrid.local",
    "the tour": "import bluegrid.tour, pandapower, bluegrid_server.serve, sklearn",
    "pulumi up": "import bluegrid.cli.main; from bluegrid_components import ModelServices, read_config, run",
    "training job": "from bluegrid_registry import ModelSet",
    "Pulumi program": "from bluegrid_components import ModelServices, ModelServicesArgs, run",
    "update server": "import bluegrid.updates.serve, bluegrid_components",
    "build images": "import bluegrid.image.build, cyclonedx",
    "outside of an image": "import bluegrid_server.serve, sklearn, skops",
}
"""By words of a use: what must be there to do it."""


def requirement(word: str) -> str:
    """Return what a wheel is named in place of a folder: `./model_server[onnx]`, `.`."""
    folder, bracket, extras = word.partition("[")
    return PACKAGES.get(folder, folder) + bracket + extras


def proof(use: str) -> str:
    """Return the code that proves a use; a use without one fails."""
    (code,) = (code for words, code in PROOFS.items() if words in use)
    return code


def run(code: str, programs: Path, folder: Path) -> None:
    done = subprocess.run(
        [programs / "python", "-c", code],
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_use_has_a_row() -> None:
    assert len(ROWS) == len(PROOFS)


@pytest.mark.parametrize("use", ROWS)
def test_a_row_installs_what_its_use_needs(use: str, wheels: Wheels, tmp_path: Path) -> None:
    needed = [requirement(word) for word in shlex.split(ROWS[use])]
    run(proof(use), wheels.install(tmp_path / "env", *needed), tmp_path)


def test_the_shown_commands_run(wheels: Wheels, tmp_path: Path) -> None:
    (block, *_) = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    commands = []
    for line in block.splitlines():
        if line.startswith(INSTALL):
            needed = [requirement(word) for word in shlex.split(line.removeprefix(INSTALL))]
            wheels.install(tmp_path / ".venv", *needed)
        elif "-m venv" not in line:
            commands.append(line)
    done = subprocess.run(
        ["sh", "-e"],
        input="\n".join([". .venv/bin/activate", *commands]),
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "bluegrid" in done.stdout
