"""Where and how a stack's clusters run: the same for all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from bluegrid_components.kubernetes_api.observed import ObservedNamespace
from bluegrid_components.pods.settings import PodSettings
from bluegrid_components.proofs.safeguards import Safeguards
from bluegrid_components.proofs.takeover import Takeovers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pulumi import Input

    from bluegrid_components.config import StackConfig
    from bluegrid_components.kubernetes_api.api_server import ApiServer
    from bluegrid_components.platform import Platform
    from bluegrid_components.routes.route import Proxy


@dataclass(frozen=True, kw_only=True)
class Hosting:
    """What the clusters and routes of a stack share.

    Attributes:
        namespace: the Kubernetes namespace.
        service_account: what pods run as.
        store_secret: the Secret with what pods need for the store; None: there is none.
        has_store_account: whether it has the store's account, keys AWS_ACCESS_KEY_ID and
            AWS_SECRET_ACCESS_KEY; otherwise pods have an identity of their own.
        has_store_ca: whether it has `ca.pem`, which pods trust for the store.
        store: URL from which pods fetch versions.
        image: the model server.
        pods: where pods run, as whom, and what marks them.
        proxy: who answers for the routes.
        route_annotations: of every route, live and standing; the program's own go on top.
        host: host name of the live routes; None: any.
        tls_secret: name of the Secret with the host's certificate; None: the live routes have no TLS, or the
            Gateway's own.
        route_key: what makes the hosts of standing routes unguessable.
        standing_domain: domain of those hosts.
        route_address: URL at which this program reaches the proxy; None: no route is proven.
        request_factor: resource requests as a share of the limits.
        ready_timeout: seconds in which a version must be fetched, loaded and answering.
        kube_context, kubeconfig: where the program deploys to; kubeconfig None: where kubectl looks.
        observed: the namespace as it is now; None: it is not looked at, and a switch waits for no pods.
    """

    namespace: Input[str]
    service_account: Input[str]
    store_secret: Input[str] | None
    has_store_account: bool = True
    has_store_ca: bool = False
    store: Input[str]
    image: Input[str]
    pods: PodSettings = field(default_factory=PodSettings)
    proxy: Proxy
    route_annotations: Mapping[str, str] = field(default_factory=dict)
    host: str | None = None
    tls_secret: str | None = None
    route_key: Input[str]
    standing_domain: str = "standing.invalid"
    route_address: str | None = None
    request_factor: float = 1
    ready_timeout: int = 600
    kube_context: str
    kubeconfig: Path | None = None
    observed: ObservedNamespace | None = None

    def __post_init__(self) -> None:
        # Also of a program without services: what it deletes names hooks, and the engine asks for them.
        _ = self.safeguards

    @cached_property
    def safeguards(self) -> Safeguards:
        """What stands between an update and the requests under way."""
        return Safeguards(
            self.kube_context,
            self.kubeconfig,
            self.route_address,
            self.host,
            self.proxy.shares_traffic,
            Takeovers(self.observed, self.ready_timeout),
        )

    @classmethod
    def of(cls, config: StackConfig, platform: Platform, server: ApiServer | None = None) -> Hosting:
        """Return what a stack's settings say, on its platform.

        Args:
            config: the settings.
            platform: of the stack.
            server: of the stack's cluster, which is asked what is live now; None: nobody is.
        """
        with_gateway = config.gateway is not None
        observed = ObservedNamespace(server, config.namespace, with_gateway) if server is not None else None
        return cls(
            namespace=platform.namespace,
            service_account=platform.service_account,
            store_secret=platform.store_secret,
            has_store_account=config.store_access_key is not None,
            has_store_ca=config.store_ca_bundle is not None,
            store=config.store,
            image=config.image,
            pods=config.pods,
            proxy=config.proxy,
            route_annotations=config.route_annotations,
            host=config.host,
            tls_secret=config.tls_secret,
            route_key=config.route_key,
            standing_domain=config.standing_domain,
            route_address=config.route_address,
            request_factor=config.request_factor,
            ready_timeout=config.ready_timeout,
            kube_context=config.kube_context,
            kubeconfig=config.kubeconfig,
            observed=observed,
        )
