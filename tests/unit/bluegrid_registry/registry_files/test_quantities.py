"""Kubernetes quantities as numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bluegrid_registry.registry_files.quantities import value_of


@pytest.mark.parametrize(
    ("quantity", "value"),
    [
        ("2", "2"),
        ("0.5", "0.5"),
        ("500m", "0.5"),
        ("2Gi", "2147483648"),
        ("1.5k", "1500"),
        ("1e3", "1000"),
        ("1E", "1e18"),
    ],
)
def test_a_quantity_has_the_value_that_kubernetes_gives_it(quantity: str, value: str) -> None:
    assert value_of(quantity) == Decimal(value)
