"""A trivial compiler and program: fixtures for tests of the toolchain."""

from __future__ import annotations

import pytest

from tools.toolchain.keys import Platform
from tools.toolchain.programs import Program


@pytest.fixture
def platform() -> Platform:
    return Platform("go1.26.8", "linux", "amd64")


@pytest.fixture
def tiny() -> Program:
    return Program("tiny", "1.2.3", "pause", (".",), ("tiny",), seconds=10, megabytes=1)
