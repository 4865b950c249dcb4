"""The Gateway that a stack's settings name."""

from __future__ import annotations

from bluegrid_components import Gateway


def test_a_gateway_is_named_with_or_without_a_listener() -> None:
    assert Gateway.parse("infra/public") == Gateway("infra", "public", None)
    assert Gateway.parse("infra/public/http") == Gateway("infra", "public", "http")
