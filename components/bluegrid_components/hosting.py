"""Settings that the clusters and routes of a stack share."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import pulumi

from bluegrid_components.kubernetes_api.observed_namespace import ObservedNamespace
from bluegrid_components.pods.settings import PodSettings
from bluegrid_components.proofs.safeguards import Safeguards
from bluegrid_components.proofs.takeover import Takeovers
from bluegrid_registry.errors import ConfigError
from bluegrid_registry.registry_files.server_images import family_of_set

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bluegrid_components.kubernetes_api.api_server import ApiServer
    from bluegrid_components.model_services_args import ModelServicesArgs
    from bluegrid_components.platform import Platform
    from bluegrid_components.proofs.neighbours import Neighbours
    from bluegrid_components.routes.route import Proxy
    from bluegrid_components.shared_platform import SharedPlatform
    from bluegrid_registry import DeclaredSet


@dataclass(frozen=True, kw_only=True)
class Hosting:
    """Settings that the clusters and routes of a stack share.

    Attributes:
        namespace: the Kubernetes namespace.
        service_account: name of the pods' ServiceAccount.
        store_secret: name of the Secret with the store's account and CA; None: neither is needed.
        has_store_account: whether the Secret has the store's account, keys AWS_ACCESS_KEY_ID and
            AWS_SECRET_ACCESS_KEY; otherwise pods use their own cloud identity.
        has_store_ca: whether the Secret has `ca.pem`, which pods trust for the store.
        store: URL from which pods fetch versions.
        images: images of the model server by family of frameworks.
        image: image of the model server for sets of other families; None: there are none.
        pods: node placement, user, labels and annotations of all pods.
        proxy: makes the routes as Ingresses or HTTPRoutes.
        route_annotations: annotations of all routes, live and standing; the program's own override them.
        host: host name of the live routes; None: any.
        tls_secret: name of the Secret with the host's certificate; None: the live routes have no TLS, or the
            Gateway's own.
        route_key: random text that makes the hosts of standing routes unguessable.
        standing_domain: domain of these hosts.
        route_address: URL at which this program reaches the proxy; None: no route is proven.
        request_factor: resource requests as a share of the limits.
        ready_timeout: seconds in which a version must be fetched, loaded and answering.
        kube_context, kubeconfig: context and file that the program deploys to; kubeconfig None: where kubectl
            looks.
        observed: the namespace as it is now; None: not read, and a switch waits for no pods.
        neighbours: the other stacks of the namespace; None: not read, and nothing of theirs is protected.
    """

    namespace: pulumi.Input[str]
    service_account: pulumi.Input[str]
    store_secret: pulumi.Input[str] | None
    has_store_account: bool = True
    has_store_ca: bool = False
    store: pulumi.Input[str]
    images: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    image: pulumi.Input[str] | None = None
    pods: PodSettings = field(default_factory=PodSettings)
    proxy: Proxy
    route_annotations: Mapping[str, str] = field(default_factory=dict)
    host: str | None = None
    tls_secret: str | None = None
    route_key: pulumi.Input[str]
    standing_domain: str = "standing.invalid"
    route_address: str | None = None
    request_factor: float = 1
    ready_timeout: int = 600
    kube_context: str
    kubeconfig: Path | None = None
    observed: ObservedNamespace | None = None
    neighbours: Neighbours | None = None

    def __post_init__(self) -> None:
        # Also in a program without services: resources that it deletes name hooks, and the engine calls them.
        _ = self.safeguards

    def image_of(self, declared: DeclaredSet) -> pulumi.Input[str]:
        """Return the image for the pods of a set.

        Raises:
            ConfigError: there is none for the set's family.
        """
        family = family_of_set(declared)
        image = self.images.get(family, self.image)
        if image is None:
            raise ConfigError(
                f"set {declared.id} ({declared.type}) has no image; give `images` one for the family {family}"
            )
        return image

    @cached_property
    def safeguards(self) -> Safeguards:
        """Hooks that protect requests under way during an update."""
        return Safeguards(
            self.kube_context,
            self.kubeconfig,
            self.route_address,
            self.host,
            self.proxy.shares_traffic,
            Takeovers(self.observed, self.ready_timeout),
        )

    @staticmethod
    def observed_by(args: ModelServicesArgs, server: ApiServer | None) -> ObservedNamespace | None:
        """Return the namespace as an API server has it; None without one."""
        with_gateway = args.gateway is not None
        return ObservedNamespace(server, args.namespace, with_gateway) if server is not None else None

    @classmethod
    def of(
        cls,
        args: ModelServicesArgs,
        platform: Platform | SharedPlatform,
        server: ApiServer | None = None,
        neighbours: Neighbours | None = None,
    ) -> Hosting:
        """Return the hosting for all services of a region.

        Args:
            args: arguments of the services.
            platform: platform of the services.
            server: API server of the cluster, to read what is live now; None: not read.
            neighbours: the other stacks of the namespace; None: not read.
        """
        return cls(
            namespace=platform.namespace,
            service_account=platform.service_account,
            store_secret=platform.store_secret,
            has_store_account=args.store_access_key is not None,
            has_store_ca=args.store_ca_bundle is not None,
            store=args.store,
            images=args.images,
            image=args.image,
            pods=args.pods,
            proxy=args.proxy,
            route_annotations=args.route_annotations,
            host=args.host,
            tls_secret=args.tls_secret,
            route_key=pulumi.Output.secret(args.route_key.get_secret_value()),
            standing_domain=args.standing_domain,
            route_address=args.route_address,
            request_factor=args.request_factor,
            ready_timeout=args.ready_timeout,
            kube_context=args.kube_context,
            kubeconfig=args.kubeconfig,
            observed=cls.observed_by(args, server),
            neighbours=neighbours,
        )
