"""A store in a folder; and property tests without deadlines, since the machine may be busy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from bluegrid_registry import Store, open_store

if TYPE_CHECKING:
    from pathlib import Path

settings.register_profile("bluegrid", deadline=None)
settings.load_profile("bluegrid")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "store").mkdir()
    return open_store(f"file://{tmp_path}/store")
