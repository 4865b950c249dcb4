"""Fixtures named by tests of the real node exist: otherwise only a run on the node would show a mistake."""

from __future__ import annotations

import subprocess
import sys

from tests.support.checkout import CHECKOUT


def test_every_fixture_that_a_test_of_the_node_names_exists() -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-q",
        "--setup-plan",
        "tests/cluster",
    ]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
