"""Without access to the proxy: which cluster leaves a live route, from the route before and after."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi import ResourceHookArgs

from bluegrid_components.proofs.deletion_guard import DeletionGuard, StillInUse


def ingress(cluster: str) -> dict[str, Any]:
    path = {"backend": {"service": {"name": f"line-loading-{cluster}"}}}
    return {"kind": "Ingress", "spec": {"rules": [{"http": {"paths": [path]}}]}}


def http_route(**weights: int) -> dict[str, Any]:
    backends = [{"name": f"line-loading-{cluster}", "weight": weight} for cluster, weight in weights.items()]
    return {"kind": "HTTPRoute", "spec": {"rules": [{"backendRefs": backends}]}}


@pytest.fixture
def guard(monkeypatch: pytest.MonkeyPatch) -> DeletionGuard:
    monkeypatch.setattr("pulumi.resource_hooks.register_resource_hook", lambda hook: None)
    guard = DeletionGuard()
    guard.expect("line-loading", ["d1", "d2"])
    return guard


def switch(guard: DeletionGuard, old: dict[str, Any], new: dict[str, Any]) -> set[str]:
    guard.before_switch(ResourceHookArgs("urn", "id", "line-loading", "type", new, old))
    return {cluster for cluster in ("d1", "d2") if guard.leaves("line-loading", cluster)}


@pytest.mark.parametrize(
    ("old", "new", "left"),
    [
        (ingress("d1"), ingress("d1"), set()),
        (ingress("d1"), ingress("d2"), {"d1"}),
        (http_route(d1=1), http_route(d2=1), {"d1"}),
        (http_route(d1=1), http_route(d1=90, d2=10), set()),
        (http_route(d1=90, d2=10), http_route(d1=10, d2=90), set()),
        (http_route(d1=90, d2=10), http_route(d1=1), {"d2"}),
    ],
)
def test_a_cluster_leaves_that_got_requests_and_gets_none(
    guard: DeletionGuard, old: dict[str, Any], new: dict[str, Any], left: set[str]
) -> None:
    assert switch(guard, old, new) == left


def test_a_cluster_that_had_a_share_and_is_not_declared_any_more_is_refused(
    guard: DeletionGuard,
) -> None:
    with pytest.raises(StillInUse) as refusal:
        switch(guard, http_route(d1=90, d3=10), http_route(d1=1))
    assert str(refusal.value).startswith("service line-loading: line-loading-d3 is live and to be deleted; ")
