"""Whether an update has to read its objects in Kubernetes again before it changes them.

`pulumi up --refresh --run-program` writes the whole state once for each target before it changes anything:
three of the five writes before a switch, half of its time with 500 services. So a switch compares its one to
three objects with the state itself, and refreshes only if one of them differs
(docs/adr/0046-updates-of-some-services.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bluegrid.cli.place import connect
from bluegrid.operations import KubernetesError, ask_live_clusters
from bluegrid.project.stack_state import StackState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bluegrid.operations import Namespace
    from bluegrid.project import PartialUpdate, Place, Project, Target

_PATHS = {
    "kubernetes:networking.k8s.io/v1:Ingress": "/apis/networking.k8s.io/v1/namespaces/{}/ingresses/{}",
    "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute": (
        "/apis/gateway.networking.k8s.io/v1/namespaces/{}/httproutes/{}"
    ),
    "kubernetes:apps/v1:Deployment": "/apis/apps/v1/namespaces/{}/deployments/{}",
    "kubernetes:autoscaling/v2:HorizontalPodAutoscaler": (
        "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers/{}"
    ),
}
"""Paths of the API by type of resource: the kinds that a `Target` has."""


def have_drifted(update: PartialUpdate, place: Place, project: Project) -> bool:
    """Whether an object of an update may differ from the stack's state; true also if that is not known.

    After an update that was interrupted in the gate, the state has the old backend and Kubernetes the new.

    Args:
        update: its resources.
        place: the stack, and its cluster.
        project: of the stack.

    Raises:
        ConfigError: nothing names the context.
    """
    state = StackState.read(place.required_stack, project)
    if state is None or state.deployment.get("pending_operations"):
        return True
    urns = {*update.urns}
    made = [each for each in state.resources if each["urn"] in urns]
    # A resource that is being replaced is there twice.
    if sorted(each["urn"] for each in made) != sorted(urns):
        return True
    namespace = connect(place)
    return not all(_is_as_made(each, namespace) for each in made if each.get("custom"))


def is_live(target: Target, place: Place) -> bool:
    """Whether the live route leads to the clusters of an update; true also if this login may not read it."""
    if not target.with_route:
        return True
    try:
        return {*ask_live_clusters(connect(place), target.service)} == {*target.clusters}
    except KubernetesError:
        return True


def _is_as_made(resource: Mapping[str, Any], namespace: Namespace) -> bool:
    """Whether an object has all fields that its resource in the state declares, with the same values."""
    path, declared = _PATHS.get(resource["type"]), resource.get("inputs") or {}
    name = (declared.get("metadata") or {}).get("name")
    if path is None or name is None:
        return False
    try:
        return _has(namespace.get(path.format(namespace.name, name)), declared)
    except KubernetesError:
        return False


def _has(value: Any, declared: Any) -> bool:
    if isinstance(declared, dict):
        return isinstance(value, dict) and all(
            key in value and _has(value[key], each) for key, each in declared.items()
        )
    if isinstance(declared, list):
        return (
            isinstance(value, list)
            and len(value) == len(declared)
            and all(_has(*pair) for pair in zip(value, declared, strict=True))
        )
    return bool(value == declared)
