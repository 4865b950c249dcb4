"""The program behind `pulumi up`: stack config -> registry -> components -> URLs."""

from __future__ import annotations

import asyncio

import pulumi
import pulumi_kubernetes as kubernetes

from bluegrid_components import (
    Hosting,
    ModelService,
    ModelServiceArgs,
    Platform,
    PlatformArgs,
    StackConfig,
    StackOutputs,
    apply_commit,
    generation,
    keep_services,
    require_cluster,
    require_own_urls,
    services_of,
    tune_sdk,
)
from bluegrid_registry.errors import BluegridError

tune_sdk()
last = StackOutputs()
try:
    config = StackConfig.read()
    offered = services_of(config, last)
    server = require_cluster(config.kube_context, config.kubeconfig)
    require_own_urls(server, config, offered)
    kept = keep_services(server, config, offered, last)
    apply_commit(config.registry, last)
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
account = config.store_access_key, config.store_secret_key
given = PlatformArgs(
    config.namespace,
    config.store,
    *account,
    config.quota,
    config.store_ca,
    config.proxy_namespace,
    config.service_account_annotations,
    generation(config, last, server),
)
platform = Platform("platform", given, cluster)
hosting = Hosting.of(config, platform, server)
services = [ModelService(ModelServiceArgs(file, config.region, hosting), cluster) for file in offered]


async def outputs() -> pulumi.Inputs:
    """Give the URLs, once every resource has begun to register."""
    # The SDK looks for registrations once. If none has begun, it waits for all outputs of all resources anew
    # whenever one is there: a time that grows with the square of their number.
    await asyncio.sleep(0)
    return {"urls": kept | {service.name: service.url for service in services}}


pulumi.run(outputs)
