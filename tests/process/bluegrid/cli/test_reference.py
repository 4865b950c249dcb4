"""The reference of all commands is up to date with the output of `typer`."""

from __future__ import annotations

import subprocess
import sys

from tests.support.checkout import CHECKOUT


def test_the_reference_of_all_commands_is_up_to_date() -> None:
    command = [
        sys.executable,
        "-m",
        "typer",
        "bluegrid.cli.main",
        "utils",
        "docs",
        "--name",
        "bluegrid",
        "--title",
        "Commands",
    ]
    made = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    tracked = (CHECKOUT / "docs" / "reference" / "cli.md").read_text()
    assert tracked == made, "run: " + " ".join(["python", *command[1:], ">", "docs/reference/cli.md"])
