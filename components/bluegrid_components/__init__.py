"""Pulumi components for model services; they know Kubernetes and nothing of bytes.

To be used from this project's program and from others:

Platform         namespace, service account, store credentials
ModelService     a service: its clusters and its live route
ModelCluster     preflight Job, Deployment, Service and standing route of one version
PodSettings      where pods run, as whom, and what marks them
Route            an Ingress or an HTTPRoute, proven at the proxy by a gate
IngressClass     makes the routes Ingresses
Gateway          makes them HTTPRoutes, which can share traffic among clusters
Takeovers        brings an autoscaled cluster to what the live one runs, before it is live
ObservedNamespace         what Kubernetes reports about the stack's services
StackOutputs     what the last update left to this one
keep_services    refuses to delete services that are live
require_cluster  refuses to update a cluster that does not answer
require_own_urls refuses URLs that are another stack's
services_of      what the registry has for the stack
generation       which of the store's credentials these are
apply_commit     refuses to undo what a newer checkout has applied
tune_sdk         makes a program with thousands of resources quicker
"""

from __future__ import annotations

from bluegrid_components.checks.applied_commit import StaleCheckout, apply_commit
from bluegrid_components.checks.credentials import generation
from bluegrid_components.checks.declared import services_of
from bluegrid_components.checks.live_services import LiveServiceGoes, keep_services
from bluegrid_components.checks.stack_outputs import StackOutputs
from bluegrid_components.checks.taken_urls import require_own_urls
from bluegrid_components.cluster_args import ModelClusterArgs
from bluegrid_components.config import StackConfig
from bluegrid_components.hosting import Hosting
from bluegrid_components.kubernetes_api.api_server import ClusterUnreachable, require_cluster
from bluegrid_components.kubernetes_api.observed import ObservedNamespace
from bluegrid_components.model_cluster import ModelCluster
from bluegrid_components.model_service import ModelService, ModelServiceArgs
from bluegrid_components.platform import Platform, PlatformArgs
from bluegrid_components.pods.settings import PodSettings, Toleration
from bluegrid_components.proofs.gate import Gate, RouteNotProven
from bluegrid_components.proofs.safeguards import Safeguards
from bluegrid_components.proofs.takeover import Takeovers
from bluegrid_components.routes.gateway import Gateway
from bluegrid_components.routes.ingress import IngressClass
from bluegrid_components.routes.route import Proxy, Route, RouteArgs
from bluegrid_components.sdk import tune_sdk

__all__ = [
    "ClusterUnreachable",
    "Gate",
    "Gateway",
    "Hosting",
    "IngressClass",
    "LiveServiceGoes",
    "ModelCluster",
    "ModelClusterArgs",
    "ModelService",
    "ModelServiceArgs",
    "ObservedNamespace",
    "Platform",
    "PlatformArgs",
    "PodSettings",
    "Proxy",
    "Route",
    "RouteArgs",
    "RouteNotProven",
    "Safeguards",
    "StackConfig",
    "StackOutputs",
    "StaleCheckout",
    "Takeovers",
    "Toleration",
    "apply_commit",
    "generation",
    "keep_services",
    "require_cluster",
    "require_own_urls",
    "services_of",
    "tune_sdk",
]
