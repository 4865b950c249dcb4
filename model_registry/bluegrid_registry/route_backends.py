"""The Services that a route leads to, for Ingresses and HTTPRoutes, from Kubernetes and from Pulumi."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bluegrid_registry import contract

if TYPE_CHECKING:
    from collections.abc import Mapping


def backends_of(spec: object) -> dict[str, int]:
    """Return the weights of the Services that a route leads to, by name, in the route's order.

    Args:
        spec: of the route, as JSON of Kubernetes' API. Pulumi replaces secret values by a mark, such as the
            rules with a standing route's host: a rule that cannot be read gives no Service.

    Returns:
        Whole numbers, 0 for a Service that gets no requests. An Ingress has no weights: its Services get 1.
    """
    weights = {}
    for rule in _dicts(spec.get("rules") if isinstance(spec, dict) else None):
        for backend in _dicts(rule.get("backendRefs")):
            weights[str(backend["name"])] = int(backend.get("weight", 1))
        for path in _dicts((rule.get("http") or {}).get("paths")):
            weights[str(path["backend"]["service"]["name"])] = 1
    return weights


def clusters_of(spec: object, service: str) -> Mapping[str, int]:
    """Return the weights of the clusters that get requests by a service's route, by ID; each is above 0."""
    prefix = contract.cluster_name(service, "")
    return {name.removeprefix(prefix): weight for name, weight in backends_of(spec).items() if weight}


def _dicts(values: object) -> list[dict[str, Any]]:
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []
