"""Pulumi components for model services: Kubernetes objects, without any code that reads models.

Public names, for this project's program and for other programs:

ModelServices      all services of a region, from a registry and a stack's settings
Platform           namespace, service account, store credentials
SharedPlatform     those that another stack has made
ModelService       a service: its clusters and its live route
ModelCluster       preflight Job, Deployment, Service and standing route of one version
PodSettings        node placement, user, labels and annotations of pods
Route              an Ingress or an HTTPRoute, proven at the proxy by a gate
IngressClass       makes routes as Ingresses
Gateway            makes routes as HTTPRoutes, which can share traffic among clusters
Takeovers          scales an autoscaled cluster up to the live cluster's pods before a switch
ObservedNamespace  what Kubernetes reports about the stack's services
require_cluster    refuses an update if the Kubernetes cluster does not answer
read_config        reads the stack's settings as the arguments of ModelServices
run                runs a program: refusals on one line, faster with thousands of resources
"""

from __future__ import annotations

from importlib.metadata import version

from bluegrid_components.checks.applied_commit import StaleCheckout
from bluegrid_components.checks.live_services import LiveServiceGoes
from bluegrid_components.cluster_args import ModelClusterArgs
from bluegrid_components.config import read_config
from bluegrid_components.hosting import Hosting
from bluegrid_components.kubernetes_api.api_server import ClusterUnreachable, require_cluster
from bluegrid_components.kubernetes_api.observed_namespace import ObservedNamespace
from bluegrid_components.model_cluster import ModelCluster
from bluegrid_components.model_service import ModelService, ModelServiceArgs
from bluegrid_components.model_services import ModelServices
from bluegrid_components.model_services_args import ModelServicesArgs
from bluegrid_components.platform import Platform, PlatformArgs
from bluegrid_components.pods.settings import PodSettings, Toleration
from bluegrid_components.program import run
from bluegrid_components.proofs.gate import Gate, RouteNotProven
from bluegrid_components.proofs.safeguards import Safeguards
from bluegrid_components.proofs.takeover import Takeovers
from bluegrid_components.routes.gateway import Gateway
from bluegrid_components.routes.ingress import IngressClass
from bluegrid_components.routes.route import Proxy, Route, RouteArgs
from bluegrid_components.shared_platform import SharedPlatform, SharedPlatformArgs

__version__ = version("bluegrid-components")

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
    "ModelServices",
    "ModelServicesArgs",
    "ObservedNamespace",
    "Platform",
    "PlatformArgs",
    "PodSettings",
    "Proxy",
    "Route",
    "RouteArgs",
    "RouteNotProven",
    "Safeguards",
    "SharedPlatform",
    "SharedPlatformArgs",
    "StaleCheckout",
    "Takeovers",
    "Toleration",
    "read_config",
    "require_cluster",
    "run",
]
