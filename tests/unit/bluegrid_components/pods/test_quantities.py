"""Requests, computed as a share of limits."""

from __future__ import annotations

import pytest

from bluegrid_components.pods.quantities import share_of_cpu, share_of_memory


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
