"""What tests of the toolchain share that runs no program."""

from __future__ import annotations

from tests.support.toolchain import platform as platform
from tests.support.toolchain import tiny as tiny
