"""The components of Kubernetes on the node, as commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.node.access import ADMIN, NODE_NAME
from tools.node.component import Api, Component, accepts, node_ready
from tools.node.configs import SERVICE_NETWORK
from tools.node.layout import CONTAINERD_SOCKET, INSIDE, Layout
from tools.node.plan import API_PORT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tools.node.access import Secrets
    from tools.node.plan import Plan

_ETCD_PORT = 2379


def kubernetes(plan: Plan, secrets: Secrets) -> Sequence[Component]:
    """Return Kubernetes' components."""
    inside = Layout(INSIDE)
    trusted = inside.certificate(plan.address)
    api = Api(plan.address, API_PORT, trusted, secrets.tokens[ADMIN])
    serving = (f"--tls-cert-file={trusted}", f"--tls-private-key-file={inside.key(plan.address)}")
    return (
        Component("etcd", _etcd(plan, inside), ready=Api("127.0.0.1", _ETCD_PORT).answers("/health")),
        Component(
            "containerd",
            (plan.programs["containerd"], f"--config={inside.config / 'containerd.toml'}"),
            ready=accepts(CONTAINERD_SOCKET),
        ),
        Component(
            "pause-image",
            (*ctr(plan, CONTAINERD_SOCKET), "images", "import", inside.config / "pause.tar"),
            after=("containerd",),
        ),
        Component(
            "kube-apiserver",
            (*_api_server(plan, inside), *serving),
            after=("etcd",),
            ready=api.answers("/readyz"),
        ),
        Component(
            "kube-controller-manager",
            (*_controller_manager(plan, inside), *serving),
            after=("kube-apiserver",),
            ready=Api("127.0.0.1", 10257, trusted).answers("/healthz"),
        ),
        Component(
            "kube-scheduler",
            (
                *(plan.programs["kube-scheduler"], "--leader-elect=false", "--bind-address=127.0.0.1"),
                *(f"--kubeconfig={inside.kubeconfig_of('kube-scheduler')}", *serving),
            ),
            after=("kube-apiserver",),
            ready=Api("127.0.0.1", 10259, trusted).answers("/healthz"),
        ),
        Component(
            "kubelet",
            _kubelet(plan, inside),
            after=("kube-apiserver", "pause-image"),
            ready=node_ready(api, NODE_NAME),
        ),
        Component(
            "kube-proxy",
            (plan.programs["kube-proxy"], f"--config={inside.config / 'kube-proxy.json'}"),
            after=("kubelet",),
            ready=Api("127.0.0.1", 10256).answers("/healthz"),
        ),
    )


def ctr(plan: Plan, socket: Path) -> tuple[str | Path, ...]:
    """Return the command of containerd's client, for the images that Kubernetes uses."""
    return (plan.programs["ctr"], f"--address={socket}", "--namespace=k8s.io")


def kubectl(plan: Plan) -> tuple[str | Path, ...]:
    """Return the command of kubectl inside the node, as administrator."""
    return (plan.programs["kubectl"], f"--kubeconfig={Layout(INSIDE).kubeconfig_of(ADMIN)}")


def _etcd(plan: Plan, inside: Layout) -> tuple[str | Path, ...]:
    clients, peers = f"http://127.0.0.1:{_ETCD_PORT}", "http://127.0.0.1:2380"
    return (
        plan.programs["etcd"],
        f"--data-dir={inside.data('etcd')}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
        "--log-level=warn",
        # A loss of power would only lose a throw-away node.
        "--unsafe-no-fsync",
    )


def _api_server(plan: Plan, inside: Layout) -> tuple[str | Path, ...]:
    certificate, key = inside.certificate(plan.address), inside.key(plan.address)
    return (
        plan.programs["kube-apiserver"],
        f"--advertise-address={plan.address}",
        f"--secure-port={API_PORT}",
        f"--etcd-servers=http://127.0.0.1:{_ETCD_PORT}",
        f"--service-cluster-ip-range={SERVICE_NETWORK}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--token-auth-file={inside.config / 'tokens.csv'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={inside.service_account_key}",
        f"--service-account-signing-key-file={inside.service_account_key}",
        # metrics-server authenticates this server by the same certificate as kubelet does.
        f"--proxy-client-cert-file={certificate}",
        f"--proxy-client-key-file={key}",
        f"--kubelet-client-certificate={certificate}",
        f"--kubelet-client-key={key}",
        "--kubelet-preferred-address-types=InternalIP",
        "--profiling=false",
    )


def _controller_manager(plan: Plan, inside: Layout) -> tuple[str | Path, ...]:
    return (
        plan.programs["kube-controller-manager"],
        f"--kubeconfig={inside.kubeconfig_of('kube-controller-manager')}",
        f"--root-ca-file={inside.certificate(plan.address)}",
        f"--service-account-private-key-file={inside.service_account_key}",
        "--use-service-account-credentials",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        "--profiling=false",
    )


def _kubelet(plan: Plan, inside: Layout) -> tuple[str | Path, ...]:
    return (
        plan.programs["kubelet"],
        f"--config={inside.config / 'kubelet.json'}",
        f"--kubeconfig={inside.kubeconfig_of('kubelet')}",
        f"--root-dir={inside.data('kubelet')}",
        f"--cert-dir={inside.data('kubelet') / 'pki'}",
        f"--hostname-override={NODE_NAME}",
        f"--node-ip={plan.address}",
    )
