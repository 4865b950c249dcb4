"""The configuration files of containerd, the pods' network, kubelet and kube-proxy.

Every setting that is not obvious is there because of a failure without it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tools.node.access import NODE_NAME
from tools.node.layout import CONTAINERD_SOCKET, INSIDE, Layout
from tools.node.pause import PAUSE_IMAGE
from tools.node.programs import CNI

if TYPE_CHECKING:
    from tools.node.plan import Plan

POD_NETWORK = "10.244.0.0/24"
SERVICE_NETWORK = "10.96.0.0/16"
GATEWAY = "contour/public"
_GATEWAY = dict(zip(("namespace", "name"), GATEWAY.split("/"), strict=True))
METRICS_PORT = 4443


def write_configs(layout: Layout, plan: Plan) -> None:
    """Write the files that the components start from."""
    inside = Layout(INSIDE)
    (layout.config / "containerd.toml").write_text(_containerd(inside))
    (layout.cni / "10-bridge.conflist").write_text(_json(_network()))
    (layout.config / "kubelet.json").write_text(_json(_kubelet(inside, plan)))
    (layout.config / "kube-proxy.json").write_text(_json(_kube_proxy(inside)))
    (layout.config / "ingress-class.json").write_text(_json(_ingress_class()))
    (layout.config / "gateway.json").write_text(_json(_gateway()))
    (layout.config / "contour.json").write_text(_json({"gateway": {"gatewayRef": _GATEWAY}}))
    (layout.config / "metrics-api.json").write_text(_json(_metrics_api()))
    (layout.config / "resolv.conf").write_text("# The node has no DNS and no way out.\n")


def _json(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"


def _containerd(inside: Layout) -> str:
    """Return the configuration of containerd 1.6, as Debian 12 has it.

    It needs no CAP_SYS_RESOURCE (oom scores), and loads no AppArmor profile: that would affect the machine.
    """
    data = inside.data("containerd")
    return f"""\
version = 2
root = "{data}"
state = "{CONTAINERD_SOCKET.parent}"
oom_score = 0
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]

[grpc]
address = "{CONTAINERD_SOCKET}"

[plugins."io.containerd.internal.v1.opt"]
path = "{data / "opt"}"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE_IMAGE}"
restrict_oom_score_adj = true
disable_apparmor = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{CNI}"
conf_dir = "{inside.cni}"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
"""


def _network() -> dict[str, object]:
    """Return a bridge without a route out; leases are on the node's tmpfs, so that none outlives the pods."""
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": POD_NETWORK}]],
            "routes": [{"dst": "0.0.0.0/0"}],
            "dataDir": "/run/cni",
        },
    }
    return {"cniVersion": "1.0.0", "name": "bluegrid", "plugins": [bridge]}


def _kubelet(inside: Layout, plan: Plan) -> dict[str, object]:
    """Return kubelet's configuration, for either version of cgroups and only for the node's own pods."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": plan.address,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(inside.certificate(plan.address))},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        # Kubernetes deprecates version 1 of cgroups; some machines have only that.
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{plan.identity.cgroup}",
        "enforceNodeAllocatable": [],
        "failSwapOn": False,
        # A garbage-collected image cannot be pulled again.
        "imageGCHighThresholdPercent": 100,
        # The disk is the machine's: a share of it would be gigabytes that no pod needs.
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "200Mi",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "200Mi",
            "imagefs.inodesFree": "1%",
        },
        # kube-proxy needs none of kubelet's chains in nftables mode.
        "makeIPTablesUtilChains": False,
        "nodeStatusUpdateFrequency": "5s",
        "podLogsDir": "/var/log/pods",
        "resolvConf": str(inside.config / "resolv.conf"),
        "serializeImagePulls": False,
        "volumePluginDir": str(inside.data("kubelet") / "volume-plugins"),
    }


def _kube_proxy(inside: Layout) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(inside.kubeconfig_of("kube-proxy"))},
        "clusterCIDR": POD_NETWORK,
        # These limits are the machine's.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "healthzBindAddress": "127.0.0.1:10256",
        "hostnameOverride": NODE_NAME,
        "metricsBindAddress": "127.0.0.1:10249",
        "mode": "nftables",
        # A pod's reply to another pod crosses the bridge, past the node's filter. Unless the request is from
        # the node, pods cannot reach each other by a Service where br_netfilter is missing.
        "nftables": {"masqueradeAll": True},
    }


def _ingress_class() -> dict[str, object]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": "contour"},
        "spec": {"controller": "projectcontour.io/ingress-controller"},
    }


def _gateway() -> dict[str, object]:
    """Return the Gateway, which takes HTTPRoutes of every namespace and any host name."""
    api = "gateway.networking.k8s.io/v1"
    kind = {
        "apiVersion": api,
        "kind": "GatewayClass",
        "metadata": {"name": "contour"},
        "spec": {"controllerName": "projectcontour.io/gateway-controller"},
    }
    listener = {
        "name": "http",
        "protocol": "HTTP",
        "port": 80,
        "allowedRoutes": {"namespaces": {"from": "All"}},
    }
    gateway = {
        "apiVersion": api,
        "kind": "Gateway",
        "metadata": _GATEWAY,
        "spec": {"gatewayClassName": "contour", "listeners": [listener]},
    }
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _GATEWAY["namespace"]}}
    return {"apiVersion": "v1", "kind": "List", "items": [namespace, kind, gateway]}


def _metrics_api() -> dict[str, object]:
    """Return the objects that send a part of the API to metrics-server, which runs beside the API server."""
    name, namespace = "metrics-server", "kube-system"
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"type": "ExternalName", "externalName": "127.0.0.1", "ports": [{"port": METRICS_PORT}]},
    }
    part = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1beta1.metrics.k8s.io"},
        "spec": {
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "service": {"name": name, "namespace": namespace, "port": METRICS_PORT},
            # The certificate names addresses; verification would need the Service's name.
            "insecureSkipTLSVerify": True,
        },
    }
    return {"apiVersion": "v1", "kind": "List", "items": [service, part]}
