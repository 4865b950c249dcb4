"""Numbers with their nouns, and shares of numbers."""

from __future__ import annotations

import pytest

from bluegrid_registry.counts import counted, share_of


@pytest.mark.parametrize(("count", "text"), [(0, "0 models"), (1, "1 model"), (2, "2 models")])
def test_only_one_is_singular(count: int, text: str) -> None:
    assert counted(count, "model") == text


@pytest.mark.parametrize(
    ("fraction", "most"), [(0.0, 0), (0.009, 0), (0.29, 29), (0.295, 29), (0.57, 57), (1.0, 100)]
)
def test_a_share_is_not_one_less_by_the_rounding_of_floats(fraction: float, most: int) -> None:
    assert share_of(fraction, 100) == most
