"""Fixtures for tests of the toolchain that run no program."""

from __future__ import annotations

from tests.support.toolchain import platform as platform
from tests.support.toolchain import tiny as tiny
