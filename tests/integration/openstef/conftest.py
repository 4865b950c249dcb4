from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools import openstef

if TYPE_CHECKING:
    from pathlib import Path

# Run by an interpreter of its own.
collect_ignore = ["inside"]


@pytest.fixture(scope="session")
def interpreter() -> Path:
    return openstef.interpreter()
