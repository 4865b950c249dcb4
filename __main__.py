"""The program behind `pulumi up`: stack config -> registry -> components -> URLs."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes

from components import Drain, Hosting, ModelService, ModelServiceArgs, Platform, PlatformArgs, StackConfig
from model_registry.errors import BluegridError
from model_registry.registry_files.registry import Registry

try:
    config = StackConfig.read()
    registry = Registry.load(config.registry)
except BluegridError as error:
    raise pulumi.RunError(str(error)) from None

cluster = pulumi.ResourceOptions(
    provider=kubernetes.Provider(
        "kubernetes",
        context=config.kube_context,
        kubeconfig=str(config.kubeconfig) if config.kubeconfig else None,
        # Otherwise new store credentials would delete the Secret before they are there again.
        enable_secret_mutable=True,
    )
)
platform = Platform(
    "platform",
    PlatformArgs(config.namespace, config.store, config.store_access_key, config.store_secret_key),
    cluster,
)
hosting = Hosting(
    namespace=platform.namespace,
    service_account=platform.service_account,
    store_secret=platform.store_secret,
    store=config.store,
    image=config.image,
    proxy=config.proxy,
    host=config.host,
    tls_secret=config.tls_secret,
    route_key=config.route_key,
    standing_domain=config.standing_domain,
    route_address=config.route_address,
    request_factor=config.request_factor,
    ready_timeout=config.ready_timeout,
    drain=Drain(config.route_address, config.host, config.proxy.shares_traffic),
)
offered = registry.in_region(config.region)
services = [ModelService(ModelServiceArgs(file, config.region, hosting), cluster) for file in offered]
pulumi.export("urls", {service.name: service.url for service in services})
