"""The guard of `tests/unit`, run by pytest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

TESTS = """
import subprocess
import pytest

def start():
    subprocess.run(["true"], check=True)

@pytest.fixture
def started():
    start()

def test_one_that_starts_something():
    start()

def test_one_whose_fixture_does(started):
    pass

def test_one_that_does_not():
    pass
"""


def test_a_unit_test_or_fixture_that_starts_something_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "tests" / "unit" / "tools"
    folder.mkdir(parents=True)
    shutil.copy(CHECKOUT / "tests" / "unit" / "conftest.py", folder.parent)
    (folder / "test_some.py").write_text(TESTS)
    (tmp_path / "pytest.ini").touch()
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "tests"]
    environment = os.environ | {"PYTHONPATH": os.fspath(CHECKOUT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "1 failed, 1 passed, 1 error" in done.stdout, done.stdout
    assert done.stdout.count("start nothing: move it to tests/process/tools/test_some.py") >= 2
