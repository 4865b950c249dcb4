"""Which aspects of a plan the sentences of a service already describe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid.previews.resource_changes import CREATE, DELETE
from bluegrid.previews.topics import Topic
from bluegrid.states import is_republished

if TYPE_CHECKING:
    from bluegrid.previews.topics import Aspect
    from bluegrid.states import ClusterState, ServiceChange


def is_covered_by(service: ServiceChange | None, aspect: Aspect) -> bool:
    """Whether the sentences of the resource's service describe an aspect; False without a service."""
    if service is None:
        return False
    comes_or_goes = aspect.change.op in (CREATE, DELETE)
    if service.before is None or service.after is None:
        return comes_or_goes
    if aspect.change.object.is_live_route and (comes_or_goes or aspect.topic is Topic.BACKENDS):
        return service.is_rerouted and (
            not comes_or_goes or None in (service.before.live, service.after.live)
        )
    if aspect.topic is Topic.SET:
        return service.is_of_another_set
    old, new = (state.clusters.get(aspect.cluster[1]) for state in (service.before, service.after))
    if old is None or new is None:
        return comes_or_goes and old is not new
    return _covers(aspect.topic, old, new)


def is_rolled(old: ClusterState, new: ClusterState) -> bool:
    """Whether the sentences of a cluster say that its pods are replaced."""
    return any(_covers(topic, old, new) for topic in (Topic.VERSION, Topic.MANIFEST, Topic.RESOURCES))


def _covers(topic: Topic | None, old: ClusterState, new: ClusterState) -> bool:
    if topic is Topic.VERSION:
        return old.version != new.version
    if topic is Topic.MANIFEST:
        return old.version != new.version or is_republished(old, new)
    if topic is Topic.REPLICAS:
        return (old.replicas, old.held) != (new.replicas, new.held)
    return topic is Topic.RESOURCES and old.resources != new.resources
