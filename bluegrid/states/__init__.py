"""The state of a service at one moment, by YAML, a preview, Pulumi's state or Kubernetes.

    registry files ─────────────────────┐
    kubernetes_object (Pulumi, the API) ┴─> services ─┬─> changes    a service before and after an update
                                                      └─> drift      where two sources disagree

Only data: neither Pulumi nor Kubernetes is imported or called.
"""

from __future__ import annotations

from bluegrid.states.drift import Drift, drift, explained
from bluegrid.states.kubernetes_object import KubernetesObject
from bluegrid.states.service_change import ServiceChange, changes_between, is_republished
from bluegrid.states.services import (
    ClusterState,
    ServiceState,
    states_of_objects,
    states_of_offered,
)

__all__ = [
    "ClusterState",
    "Drift",
    "KubernetesObject",
    "ServiceChange",
    "ServiceState",
    "changes_between",
    "drift",
    "explained",
    "is_republished",
    "states_of_objects",
    "states_of_offered",
]
