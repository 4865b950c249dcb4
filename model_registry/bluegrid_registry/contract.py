"""Names, labels, ports and hosts that parts of bluegrid agree on, as constants and pure functions.

Names of a cluster's objects never change: for Pulumi, a new name would be a delete of the live object.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from bluegrid_registry.names import PREFLIGHT

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTINGS = "bluegrid"
"""Namespace of a stack's settings, `bluegrid:namespace`, whatever the project is called."""
NAMESPACE = "bluegrid"
"""Kubernetes namespace of a stack that names none."""
PORT = 12345
METRICS_PORT = 8082
"""Port of a pod for Prometheus; no Service leads to it."""
ADMIN_PORT = 8083
"""Port of a pod to load and unload models, on its loopback only: use `kubectl port-forward`."""
MANAGER = "bluegrid"
MANAGED_BY = "app.kubernetes.io/managed-by"
"""Label whose value is `MANAGER` on every object that this program makes."""
LABEL = "bluegrid.io"
"""Domain of the labels by which objects belong to a service: LABEL/service, /set, /cluster and /version."""
SERVICE_ACCOUNT = "bluegrid-server"
STORE_SECRET = "bluegrid-store"  # noqa: S105 - the name of the object that holds it
STORE_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
"""The keys of that Secret with the store's account, and the variables of a pod that have it."""
STORE_CA = "ca.pem"
"""The key, in the same Secret, of the certificate that pods trust for the store."""
REGISTRY_WINS: Mapping[str, str] = {"pulumi.com/patchForce": "true"}
"""Annotation: what was changed by hand gives way, where the next change by Pulumi would be a conflict."""
NOT_AWAITED: Mapping[str, str] = {"pulumi.com/skipAwait": "true"}
"""Annotation: Pulumi does not wait for the object. What it waits with may show it as it was before, and that
goes into the state: of a switch there and back the way back was then taken for no change (seen)."""
DECLARED_MIN = f"{LABEL}/declared-min"
"""Annotation of an autoscaler that keeps more pods than the registry's `min`, since a switch: this `min`."""
PARTIAL_UPDATE = "BLUEGRID_PARTIAL_UPDATE"
"""Variable of an update of named targets only, such as one service's route: any checkout does for it, and it
applies no commit."""
UPDATED_ROUTES = "BLUEGRID_ROUTES"
"""Variable of such an update: the services whose live routes are among the targets, with commas between them.
Without it, any may be."""
AT_ONCE = "BLUEGRID_AT_ONCE"
"""Variable of an update whose routes wait for no pods, as on the way back from a cluster that does badly.
Autoscalers keep more all the same: the pods come after it."""
REGISTRY_COPY = "BLUEGRID_REGISTRY_COPY"
"""Variable of an update whose registry is a copy, such as the update server's: the commit, a space, and the
repository that has it. The commit is noted where it follows what was applied last; nothing is refused."""
ALLOW_DELETE = "BLUEGRID_ALLOW_DELETE"
"""Variable with the names of the services that may go in an update, with commas between them."""
MAX_NAME = 63
_HOST_DIGITS = 40


def cluster_name(service: str, cluster: str) -> str:
    """Name of a cluster's Deployment, Service and standing route, and the value of its label `app`."""
    return f"{service}-{cluster}"


def preflight_name(service: str, cluster: str) -> str:
    """Name of a cluster's preflight Job; past 63 characters its middle is a hash of the cluster's name."""
    name, suffix = cluster_name(service, cluster), PREFLIGHT
    if len(name + suffix) <= MAX_NAME:
        return name + suffix
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    kept = name[: MAX_NAME - len(suffix) - len(digest) - 1].rstrip("-")
    return f"{kept}-{digest}{suffix}"


def store_secret(generation: str | None) -> str:
    """Name of the Secret with the store's credentials; None: those that the stack has begun with."""
    return STORE_SECRET if generation is None else f"{STORE_SECRET}-{generation}"


def service_path(service: str) -> str:
    """Path below which the service answers, outside and in the pod alike."""
    return f"/modelService/{service}"


def selector(name: str) -> dict[str, str]:
    """The labels by which a Deployment and a Service find their pods."""
    return {"app": name}


def common_labels() -> dict[str, str]:
    """The labels of every object that this program makes."""
    return {MANAGED_BY: MANAGER}


def service_labels(service: str, set_id: str) -> dict[str, str]:
    """The labels of what belongs to a service and to none of its clusters: a switch changes no label."""
    return common_labels() | {f"{LABEL}/service": service, f"{LABEL}/set": set_id}


def cluster_labels(service: str, cluster: str, set_id: str, version: str) -> dict[str, str]:
    """The labels of what belongs to one cluster, but for `app`."""
    return service_labels(service, set_id) | {f"{LABEL}/cluster": cluster, f"{LABEL}/version": version}


def cluster_of_labels(labels: Mapping[str, str]) -> tuple[str, str]:
    """The service and the cluster that an object with these labels belongs to."""
    return labels[f"{LABEL}/service"], labels[f"{LABEL}/cluster"]


def standing_host(route_key: str, service: str, cluster: str, domain: str) -> str:
    """Host of a cluster's standing route: it cannot be guessed without the stack's key."""
    name = cluster_name(service, cluster).encode()
    return f"{hmac.new(route_key.encode(), name, hashlib.sha256).hexdigest()[:_HOST_DIGITS]}.{domain}"
