"""The backends of a route of any kind, from any source."""

from __future__ import annotations

from bluegrid_registry.route_backends import backends_of, clusters_of

INGRESS = {
    "rules": [
        {"host": "models", "http": {"paths": [{"backend": {"service": {"name": "load-d2", "port": {}}}}]}}
    ]
}


def http_route(**weights: float) -> dict[str, object]:
    refs = [{"kind": "Service", "name": f"load-{name}", "weight": each} for name, each in weights.items()]
    return {"rules": [{"backendRefs": refs}]}


def test_an_ingress_leads_to_its_backend() -> None:
    assert backends_of(INGRESS) == {"load-d2": 1}
    assert clusters_of(INGRESS, "load") == {"d2": 1}


def test_an_http_route_leads_to_each_backend_by_its_weight() -> None:
    assert backends_of(http_route(d2=90.0, d1=10)) == {"load-d2": 90, "load-d1": 10}
    assert [*clusters_of(http_route(d2=90, d1=10), "load")] == ["d2", "d1"]


def test_a_backend_without_a_weight_has_one() -> None:
    assert backends_of({"rules": [{"backendRefs": [{"name": "load-d1"}]}]}) == {"load-d1": 1}


def test_a_backend_of_weight_0_gets_no_requests() -> None:
    assert backends_of(http_route(d1=1, d2=0)) == {"load-d1": 1, "load-d2": 0}
    assert clusters_of(http_route(d1=1, d2=0), "load") == {"d1": 1}


def test_what_cannot_be_read_leads_nowhere() -> None:
    for spec in (None, {}, "[secret]", object(), {"rules": "[secret]"}, {"rules": ["[secret]"]}):
        assert backends_of(spec) == {}
