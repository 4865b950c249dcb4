"""A library that is not installed is one line with its remedy, never a traceback."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

from bluegrid.cli.commands import COMMANDS
from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Sequence

MODULES = {
    "bluegrid-components": ["bluegrid_components", "pulumi", "pulumi_kubernetes"],
    "bluegrid-server": ["bluegrid_server", "onnxruntime", "sklearn", "skops"],
    "cyclonedx-python-lib": ["cyclonedx"],
    "fastapi": ["fastapi", "starlette"],
    "httptools": ["httptools"],
    "pandapower": ["pandapower"],
    "pulumi-policy": ["pulumi_policy"],
    "structlog": ["structlog"],
    "uvicorn": ["uvicorn"],
    "uvloop": ["uvloop"],
}
"""Modules of the distributions that only an extra of `bluegrid` has."""
OPTIONAL = sorted({module for modules in MODULES.values() for module in modules})
GROUPS = {row.path.rpartition(" ")[0] for row in COMMANDS}

# To Python's import, None is a module that does not exist.
WITHOUT = """\
import sys
sys.modules.update(dict.fromkeys({missing!r}))
from bluegrid.cli.main import run
for arguments in {commands!r}:
    code = run(arguments)
    sys.stderr.write(f"exit code {{code}}\\n")
"""


def run(missing: Sequence[str], *commands: list[str]) -> subprocess.CompletedProcess[str]:
    """Run commands in one process that lacks modules."""
    code = WITHOUT.format(missing=missing, commands=commands)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_the_optional_modules_are_those_of_all_extras() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    names = {
        requirement.split(">")[0].split("=")[0].split("[")[0]
        for rows in extras.values()
        for requirement in rows
    }
    assert names - {"bluegrid"} == MODULES.keys()


def test_every_command_shows_its_help_without_any_extra() -> None:
    commands = [[*row.path.split(), "--help"] for row in COMMANDS]
    done = run(OPTIONAL, *commands)
    assert done.stderr.splitlines() == ["exit code 0"] * len(COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["serve", ".", "--type", "scikit-learn/skops"], "serve"),
        (["tour"], "tour"),
        (["server", "start", "--store", "file:///nowhere"], "updates"),
        (["image", "build"], "images"),
    ],
    ids=["serve", "tour", "server start", "image build"],
)
def test_a_command_of_an_extra_names_it_on_one_line(arguments: list[str], extra: str) -> None:
    message, code = run(OPTIONAL, arguments).stderr.splitlines()
    assert message.startswith("error: ")
    assert message.endswith(f": pip install 'bluegrid[{extra}]'")
    assert code == "exit code 1"


def test_a_broken_installation_is_one_line_too() -> None:
    message, code = run(["ruamel"], ["check"]).stderr.splitlines()
    assert (
        message
        == "error: ruamel.yaml is not installed, and bluegrid needs it: pip install --upgrade bluegrid"
    )
    assert code == "exit code 1"
