"""Names, labels, ports and hosts that several parts of bluegrid use, as constants and pure functions.

Names of a cluster's objects never change: with a new name, Pulumi would delete the live object.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING

from bluegrid_registry.names import PREFLIGHT

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTINGS = "bluegrid"
"""Namespace of a stack's settings, as in `bluegrid:namespace`; it does not depend on the project's name."""
OF_PLATFORM = ("proxyNamespace", "quotaCpu", "quotaMemory", "quotaPods", "serviceAccountAnnotations")
"""Settings of the stack that makes the platform of a namespace; stacks that use it do not have them."""
NAMESPACE = "bluegrid"
"""Default Kubernetes namespace of a stack."""
PORT = 12345
"""Port of a pod for predictions."""
METRICS_PORT = 8082
"""Port of a pod for Prometheus; no Service exposes it."""
ADMIN_PORT = 8083
"""Port of a pod that loads and unloads models, on loopback only: use `kubectl port-forward`."""
MANAGER = "bluegrid"
MANAGED_BY = "app.kubernetes.io/managed-by"
"""Label of every object that this program makes; its value is `MANAGER`."""
LABEL = "bluegrid.io"
"""Domain of the labels that tie objects to a service: LABEL/service, /set, /cluster and /version."""
SHARD = f"{LABEL}/shard"
"""Label of the objects and pods of one shard of a cluster, such as `0-of-3`."""
SHARD_HEADER = "Bluegrid-Shard"
"""Header of a request from one shard to another, or from a probe: the shard that has to answer by itself."""
SERVICE_ACCOUNT = "bluegrid-server"
STORE_SECRET = "bluegrid-store"  # noqa: S105 - the name of the object that holds it
STORE_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
"""Keys of the Secret with the store's credentials; a pod has environment variables of the same names."""
STORE_CA = "ca.pem"
"""Key, in the same Secret, of the CA certificate that pods trust for the store."""
REGISTRY_WINS: Mapping[str, str] = {"pulumi.com/patchForce": "true"}
"""Annotation: Pulumi overwrites manual changes where its next change would otherwise be a conflict."""
NOT_AWAITED: Mapping[str, str] = {"pulumi.com/skipAwait": "true"}
"""Annotation: Pulumi does not wait for the object. While it waits, it may read an outdated object and write
that to the state: after a switch there and back, the way back was then taken for no change (seen)."""
DECLARED_MIN = f"{LABEL}/declared-min"
"""Annotation of an autoscaler that keeps more pods since a switch: the `min` of the registry."""
PARTIAL_UPDATE = "BLUEGRID_PARTIAL_UPDATE"
"""Environment variable of an update of named targets only, such as one service's route: any checkout will do,
and the update applies no commit."""
UPDATED_ROUTES = "BLUEGRID_ROUTES"
"""Environment variable of such an update: the services whose live routes are targets, separated by commas.
Unset: all services."""
UPDATED_SERVICES = "BLUEGRID_SERVICES"
"""Environment variable of an update of some services: their names, separated by commas. The program registers
no other service, so the update must name its resources as targets: with none, the program refuses to run.
Unset: all services."""
AT_ONCE = "BLUEGRID_AT_ONCE"
"""Environment variable of an update whose routes do not wait for pods, as when switching back from a faulty
cluster. Autoscalers still keep more pods: the pods start after the update."""
REGISTRY_COPY = "BLUEGRID_REGISTRY_COPY"
"""Environment variable of an update whose registry is a copy, such as the update server's: the commit, a
space, and its repository. The commit is recorded if it follows the one applied last; nothing is refused."""
ALLOW_DELETE = "BLUEGRID_ALLOW_DELETE"
"""Environment variable with the names of the services that an update may delete, separated by commas."""
ADOPT = "BLUEGRID_ADOPT"
"""Environment variable with the names of the services that an update may adopt although, in a namespace of
several stacks, they may belong to another one; separated by commas."""
STACK = f"{LABEL}/stack"
"""Label of the ServiceAccount that marks a namespace as used by a stack that has not made it."""
SCHEMA_FILE = "schema.json"
"""Name of a JSON schema beside the files that it describes, in the folders of registry and stacks."""
MAX_NAME = 63
"""Longest Kubernetes name, in characters."""
_HOST_DIGITS = 40


def cluster_name(service: str, cluster: str) -> str:
    """Name of a cluster's Deployment, Service and standing route, and the value of its label `app`."""
    return f"{service}-{cluster}"


def shard_id(cluster: str, index: int) -> str:
    """Name of a shard within its service: a cluster's ID and the shard's index, from 0."""
    return f"{cluster}-{index}"


def part_ids(cluster: str, shards: int) -> list[str]:
    """Names, within their service, of what has pods: the cluster itself, or each of its shards."""
    return [cluster] if shards == 1 else [shard_id(cluster, index) for index in range(shards)]


def shard_labels(index: int, count: int) -> dict[str, str]:
    """The label that a shard's pods have and other shards' pods do not, also of another number of shards."""
    return {SHARD: f"{index}-of-{count}"}


def shards_of_labels(labels: Mapping[str, str]) -> int:
    """Return the number of shards of the cluster that an object with these labels belongs to."""
    return int(labels[SHARD].rpartition("-")[2]) if SHARD in labels else 1


def preflight_name(service: str, cluster: str) -> str:
    """Name of a cluster's preflight Job; past 63 characters its middle is a hash of the cluster's name."""
    name, suffix = cluster_name(service, cluster), PREFLIGHT
    if len(name + suffix) <= MAX_NAME:
        return name + suffix
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    start = name[: MAX_NAME - len(suffix) - len(digest) - 1].rstrip("-")
    return f"{start}-{digest}{suffix}"


def store_secret(generation: str | None) -> str:
    """Name of the Secret with the store's credentials; None: the stack's first credentials."""
    return STORE_SECRET if generation is None else f"{STORE_SECRET}-{generation}"


def stack_label(stack: str) -> str:
    """Name of a stack as a part of a Kubernetes name, and as the value of a label."""
    return re.sub(r"[^a-z0-9]+", "-", stack.lower()).strip("-")


def stack_mark(stack: str) -> str:
    """Name of the ServiceAccount that marks a namespace as used by a stack; no pod runs as it."""
    return f"{MANAGER}-stack-{stack_label(stack)}"


def service_path(service: str) -> str:
    """Path prefix of the service, the same in its public URL and in the pod."""
    return f"/modelService/{service}"


def selector(name: str) -> dict[str, str]:
    """The labels by which a Deployment and a Service select their pods."""
    return {"app": name}


def common_labels() -> dict[str, str]:
    """The labels of every object that this program makes."""
    return {MANAGED_BY: MANAGER}


def service_labels(service: str, set_id: str) -> dict[str, str]:
    """The labels of a service's own objects; they name no cluster, so a switch changes no label."""
    return common_labels() | {f"{LABEL}/service": service, f"{LABEL}/set": set_id}


def cluster_labels(service: str, cluster: str, set_id: str, version: str) -> dict[str, str]:
    """The labels of one cluster's objects, except `app`."""
    return service_labels(service, set_id) | {f"{LABEL}/cluster": cluster, f"{LABEL}/version": version}


def cluster_of_labels(labels: Mapping[str, str]) -> tuple[str, str]:
    """Return the service and the cluster that an object with these labels belongs to."""
    return labels[f"{LABEL}/service"], labels[f"{LABEL}/cluster"]


def standing_host(route_key: str, service: str, cluster: str, domain: str) -> str:
    """Host of a cluster's standing route; it cannot be guessed without the stack's key."""
    name = cluster_name(service, cluster).encode()
    return f"{hmac.new(route_key.encode(), name, hashlib.sha256).hexdigest()[:_HOST_DIGITS]}.{domain}"
