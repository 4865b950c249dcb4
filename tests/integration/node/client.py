"""Clients of a node's Kubernetes and S3, as programs on the machine use them."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3

from tools.node.pause import PAUSE_IMAGE
from tools.node.storage import REGION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from tools.node import Node, S3Account

SECONDS = 90


@dataclass(frozen=True)
class Kubectl:
    program: Path
    node: Node

    def __call__(self, *arguments: str, given: str = "") -> str:
        access = (f"--kubeconfig={self.node.kubeconfig}", f"--context={self.node.context}")
        return subprocess.run(
            [self.program, *access, *arguments], input=given, stdout=subprocess.PIPE, text=True, check=True
        ).stdout

    def apply(self, *objects: object) -> None:
        self(
            "apply", "--filename=-", given=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        )

    def get(self, *arguments: str) -> Any:
        return json.loads(self("get", *arguments, "--output=json"))


def s3(node: Node, account: S3Account) -> S3Client:
    return boto3.client(
        "s3",
        endpoint_url=node.s3_endpoint,
        region_name=REGION,
        aws_access_key_id=account.access_key,
        aws_secret_access_key=account.secret_key,
    )


def answer(url: str, host: str | None = None) -> int:
    """Return the status of a URL, without any HTTP proxy; 0: no answer."""
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "never came true"
        time.sleep(0.1)


def deployment(name: str, image: str = PAUSE_IMAGE) -> dict[str, object]:
    """Return a Deployment of one pod that satisfies Pod Security `restricted`."""
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {"limits": {"cpu": "100m", "memory": "32Mi"}},
        "lifecycle": {"preStop": {"sleep": {"seconds": 1}}},
    }
    pod = {
        "automountServiceAccountToken": False,
        "dnsPolicy": "Default",
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
        },
    }


def namespace(name: str) -> dict[str, object]:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def ingress_to_s3(name: str, node: Node) -> list[Mapping[str, object]]:
    """Return an Ingress for `/health` whose backend is the node's S3 server, which always runs."""
    backend = {"service": {"name": name, "port": {"number": 7070}}}
    path = {"path": "/health", "pathType": "Prefix", "backend": backend}
    spec = {"ingressClassName": "contour", "rules": [{"http": {"paths": [path]}}]}
    where = {"name": name, "namespace": name}
    ingress = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": where, "spec": spec}
    return [*_s3(name, node), ingress]


def http_route_to_s3(name: str, node: Node) -> list[Mapping[str, object]]:
    """Return the same as an HTTPRoute of the node's Gateway, under the host name `<name>.test`."""
    namespace, gateway = node.gateway.split("/")
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": "/health"}}],
        "backendRefs": [{"name": name, "port": 7070}],
    }
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": name},
        "spec": {
            "parentRefs": [{"namespace": namespace, "name": gateway}],
            "hostnames": [f"{name}.test"],
            "rules": [rule],
        },
    }
    return [*_s3(name, node), route]


def _s3(name: str, node: Node) -> list[Mapping[str, object]]:
    where = {"name": name, "namespace": name}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": where, "spec": {"ports": [{"port": 7070}]}}
    slice_ = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": where | {"labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [node.address], "conditions": {"ready": True}}],
        "ports": [{"port": 7070}],
    }
    return [service, slice_]
