"""Numbers with their nouns."""

from __future__ import annotations

import pytest

from bluegrid_registry.counts import counted


@pytest.mark.parametrize(("count", "text"), [(0, "0 models"), (1, "1 model"), (2, "2 models")])
def test_only_one_is_singular(count: int, text: str) -> None:
    assert counted(count, "model") == text
