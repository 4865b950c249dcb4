"""What an HTTPRoute of earlier tells the gate."""

from __future__ import annotations

from bluegrid_components import Gateway
from bluegrid_components.kubernetes_api.route_weights import weights_in


def test_shares_are_read_as_the_engine_hands_them_on() -> None:
    # Its numbers are floats.
    refs = [{"name": "line-loading-d1", "weight": 90.0}, {"name": "line-loading-d2", "weight": 10.0}]
    inputs = {"kind": "HTTPRoute", "spec": {"rules": [{"backendRefs": refs}]}}
    assert weights_in(inputs, "line-loading") == {"d1": 90, "d2": 10}


def test_an_ingress_and_a_route_that_is_new_have_shared_nothing() -> None:
    path = {"path": "/", "backend": {"service": {"name": "line-loading-d1"}}}
    assert weights_in({"spec": {"rules": [{"http": {"paths": [path]}}]}}, "line-loading") == {}
    assert weights_in({}, "line-loading") == {}


def test_a_gateway_is_named_with_or_without_a_listener() -> None:
    assert Gateway.parse("infra/public") == Gateway("infra", "public", None)
    assert Gateway.parse("infra/public/http") == Gateway("infra", "public", "http")


def test_a_standing_route_whose_host_is_secret_shares_nothing() -> None:
    an_output = object()
    assert weights_in({"spec": an_output}, "line-loading") == {}
