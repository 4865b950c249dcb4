"""Which clusters a route leads to, by what Kubernetes or Pulumi has of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from bluegrid_registry import contract

if TYPE_CHECKING:
    from collections.abc import Mapping


def weights_in(inputs: Mapping[str, object], service: str) -> dict[str, int]:
    """Return the weight of each cluster by ID, of an HTTPRoute as Pulumi knows it; of other objects none."""
    spec = inputs.get("spec")
    # A standing route's is secret and comes as an Output; it shares nothing.
    rules = cast("dict[str, Any]", spec).get("rules", []) if isinstance(spec, dict) else []
    prefix = contract.cluster_name(service, "")
    return {
        backend["name"].removeprefix(prefix): int(backend["weight"])
        for rule in rules
        for backend in rule.get("backendRefs", [])
    }
