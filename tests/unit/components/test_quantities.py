"""Requests as a share of limits."""

from __future__ import annotations

from decimal import Decimal

import pytest

from components.quantities import share_of_cpu, share_of_memory, value_of


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


@pytest.mark.parametrize(
    ("limit", "factor", "request_"), [("2", 0.05, "100m"), ("500m", 0.5, "250m"), ("1m", 0.1, "1m")]
)
def test_a_share_of_cpu_is_in_thousandths_and_never_nothing(limit: str, factor: float, request_: str) -> None:
    assert share_of_cpu(limit, factor) == request_


@pytest.mark.parametrize(
    ("limit", "factor", "request_"), [("2Gi", 0.5, "1073741824"), ("100M", 0.07, "7000000")]
)
def test_a_share_of_memory_is_in_bytes(limit: str, factor: float, request_: str) -> None:
    assert share_of_memory(limit, factor) == request_


def test_the_whole_is_written_as_the_registry_has_it() -> None:
    assert share_of_cpu("0.5", 1) == "0.5"
    assert share_of_memory("2Gi", 1) == "2Gi"
