"""All services of a region, for a program that has nothing to make beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_kubernetes as kubernetes

from bluegrid_components.checks.applied_commit import apply_commit
from bluegrid_components.checks.credentials import generation
from bluegrid_components.checks.declared import require_files
from bluegrid_components.checks.live_services import keep_services
from bluegrid_components.checks.stack_outputs import StackOutputs
from bluegrid_components.checks.taken_urls import require_own_urls
from bluegrid_components.hosting import Hosting
from bluegrid_components.kubernetes_api.api_server import require_cluster
from bluegrid_components.model_service import ModelService, ModelServiceArgs
from bluegrid_components.platform import Platform, PlatformArgs
from bluegrid_registry import Registry
from bluegrid_registry.contract import SETTINGS
from bluegrid_registry.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import SecretStr

    from bluegrid_components.model_services_args import ModelServicesArgs
    from bluegrid_registry import OfferedService

_PROVIDER = "kubernetes"


class ModelServices:
    """The services of a region, on a platform of their own; one in a program.

    Before anything is registered the registry, the cluster, the URLs, and what the last update left are
    checked. It is not a resource itself, and what it makes has no parent but the stack: a parent's type would
    be part of every URN (docs/adr/0028-one-component-for-a-region.md).

    Args:
        name: of the platform, in the stack.
        args: what the services are made of.
        opts: of the platform and of each service; None, or without a provider: one is made by
            `args.kube_context`.

    Raises:
        ConfigError: a setting is wrong, or the cluster is not the one that it names.
        RegistryError: the registry has mistakes.
        BluegridError: the update is refused for what it would do to services that are live.
    """

    services: Mapping[str, ModelService]
    """By name."""
    urls: Mapping[str, str]
    """Of the services, by name; also of those that an update of named targets leaves as they are."""

    def __init__(
        self, name: str, args: ModelServicesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        last = StackOutputs()
        offered = _offered(args, last)
        server = require_cluster(args.kube_context, args.kubeconfig)
        require_own_urls(server, args, offered.values())
        kept = keep_services(server, args, offered, last)
        apply_commit(args.registry, last)
        opts = _with_provider(args, opts or pulumi.ResourceOptions())
        platform = Platform(name, _platform_args(args, generation(args, last, server)), opts)
        hosting = Hosting.of(args, platform, server)
        self.services = {
            service: ModelService(service, ModelServiceArgs(each, hosting), opts)
            for service, each in offered.items()
        }
        self.urls = kept | {service: each.url for service, each in self.services.items()}


def _offered(args: ModelServicesArgs, last: StackOutputs) -> dict[str, OfferedService]:
    registry = Registry.load(args.registry)
    require_files(registry, args.registry, last)
    try:
        return registry.offered(args.region, args.sizes)
    except ConfigError as error:
        removal = f"pulumi config rm --path {SETTINGS}:replicas.{{cluster}}"
        raise ConfigError(f"{SETTINGS}:{error.message(removal)}") from None


def _with_provider(args: ModelServicesArgs, opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    if opts.provider is not None or opts.providers:
        return opts
    provider = kubernetes.Provider(
        _PROVIDER,
        context=args.kube_context,
        kubeconfig=str(args.kubeconfig) if args.kubeconfig else None,
        # Otherwise new store credentials would delete the Secret before they are there again.
        enable_secret_mutable=True,
    )
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(provider=provider))


def _platform_args(args: ModelServicesArgs, store_generation: str | None) -> PlatformArgs:
    return PlatformArgs(
        namespace=args.namespace,
        store=args.store,
        store_access_key=_encrypted(args.store_access_key),
        store_secret_key=_encrypted(args.store_secret_key),
        quota=args.quota,
        store_ca=args.store_ca,
        proxy_namespace=args.proxy_namespace,
        service_account_annotations=args.service_account_annotations,
        store_generation=store_generation,
    )


def _encrypted(text: SecretStr | None) -> pulumi.Output[str] | None:
    """Return a text that the state keeps encrypted."""
    return None if text is None else pulumi.Output.secret(text.get_secret_value())
