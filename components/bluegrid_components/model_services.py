"""All services of a region, as one component for a program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_kubernetes as kubernetes

from bluegrid_components.checks.applied_commit import apply_commit
from bluegrid_components.checks.credentials import generation, require_secret
from bluegrid_components.checks.declared import require_files
from bluegrid_components.checks.kept_shards import keep_shards
from bluegrid_components.checks.live_services import keep_services
from bluegrid_components.checks.platform_of_another import shared_generation
from bluegrid_components.checks.stack_outputs import StackOutputs
from bluegrid_components.checks.taken_urls import require_own_urls
from bluegrid_components.hosting import Hosting
from bluegrid_components.kubernetes_api.api_server import require_cluster
from bluegrid_components.model_service import ModelService, ModelServiceArgs
from bluegrid_components.partial_update import is_partial, require_targets, updated_services
from bluegrid_components.platform import Platform, PlatformArgs
from bluegrid_components.proofs.neighbours import Neighbours
from bluegrid_components.shared_platform import SharedPlatform, SharedPlatformArgs
from bluegrid_registry import Registry, contract
from bluegrid_registry.contract import SETTINGS
from bluegrid_registry.errors import ConfigError
from bluegrid_registry.registry_files.server_images import sets_without_image
from bluegrid_registry.registry_files.some_services import load_services

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import SecretStr

    from bluegrid_components.checks.stack_outputs import UpdateOutputs
    from bluegrid_components.kubernetes_api.api_server import ApiServer
    from bluegrid_components.model_services_args import ModelServicesArgs
    from bluegrid_registry import OfferedService

_PROVIDER = "kubernetes"


class ModelServices:
    """The services of a region, on their own platform; one instance in a program.

    Checks registry, cluster, URLs and the last update's outputs before anything is registered. This is not a
    resource, and its resources have only the stack as parent: a parent's type would be part of every URN
    (docs/adr/0028-one-component-for-a-region.md).

    Args:
        name: resource name of the platform.
        args: arguments of the services.
        opts: options of the platform and of each service; without a provider, a provider for
            `args.kube_context` is made.
        outputs: what the last update left for this one; None: the outputs of the program's stack.

    Raises:
        ConfigError: a setting is wrong, or the kubeconfig does not have the context.
        RegistryError: the registry has mistakes.
        BluegridError: the update is refused because it would harm live services.
    """

    services: Mapping[str, ModelService]
    """The services by name."""
    urls: Mapping[str, str]
    """URLs by service name, including services that an update of some services or resources keeps."""

    def __init__(
        self,
        name: str,
        args: ModelServicesArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        outputs: UpdateOutputs | None = None,
    ) -> None:
        outputs = StackOutputs() if outputs is None else outputs
        offered = _offered(args, outputs)
        _require_images(args, offered.values())
        server = require_cluster(args.kube_context, args.kubeconfig)
        require_own_urls(server, args, offered.values())
        keep_shards(Hosting.observed_by(args, server), offered.values())
        neighbours = Neighbours(server, args.namespace, args.platform, offered)
        kept = keep_services(server, args, offered, outputs, neighbours)
        apply_commit(args.registry, outputs)
        store_generation = _generation(args, outputs, server)
        if updated_services() is not None:
            require_targets()
        opts = _with_provider(args, opts or pulumi.ResourceOptions())
        platform = _platform(name, args, store_generation, neighbours, opts)
        hosting = Hosting.of(args, platform, server, neighbours)
        self.services = {
            service: ModelService(service, ModelServiceArgs(each, hosting), opts)
            for service, each in offered.items()
        }
        self.urls = kept | {service: each.url for service, each in self.services.items()}


def _offered(args: ModelServicesArgs, outputs: UpdateOutputs) -> dict[str, OfferedService]:
    names = updated_services()
    registry = Registry.load(args.registry) if names is None else load_services(args.registry, names)
    require_files(registry, args.registry, outputs)
    try:
        offered = registry.offered(args.region, args.sizes, if_named=args.platform is not None)
    except ConfigError as error:
        removal = f"pulumi config rm --stack {pulumi.get_stack()} --path {SETTINGS}:replicas.{{cluster}}"
        raise ConfigError(f"{SETTINGS}:{error.message(removal)}") from None
    return {name: each for name, each in offered.items() if names is None or name in names}


def _require_images(args: ModelServicesArgs, services: Iterable[OfferedService]) -> None:
    """Refuse sets whose pods have no image, before anything is registered."""
    missing = {} if args.image else sets_without_image(services, args.images)
    change = f"pulumi config set --stack {pulumi.get_stack()}"
    lines = [
        f"{SETTINGS}:images.{family} is not set, and {args.region} serves "
        f"{', '.join(f'{each.id} ({each.type})' for each in sets)}: {change} --path "
        f"{SETTINGS}:images.{family} VALUE, or {change} {SETTINGS}:image VALUE for all others"
        for family, sets in missing.items()
    ]
    if lines:
        raise ConfigError("\n".join(lines))


def _with_provider(args: ModelServicesArgs, opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    if opts.provider is not None or opts.providers:
        return opts
    provider = kubernetes.Provider(
        _PROVIDER,
        context=args.kube_context,
        kubeconfig=str(args.kubeconfig) if args.kubeconfig else None,
        # Otherwise new store credentials would delete the Secret before it is created again.
        enable_secret_mutable=True,
    )
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(provider=provider))


def _generation(args: ModelServicesArgs, outputs: UpdateOutputs, server: ApiServer | None) -> str | None:
    """Return the suffix of the name of the Secret, which is there if this update does not make it."""
    if args.platform is not None:
        return shared_generation(args, outputs, server)
    store_generation = generation(args, outputs, server)
    if updated_services() is not None and not is_partial():
        require_secret(args, store_generation, server)
    return store_generation


def _platform(
    name: str,
    args: ModelServicesArgs,
    store_generation: str | None,
    neighbours: Neighbours,
    opts: pulumi.ResourceOptions,
) -> Platform | SharedPlatform:
    if args.platform is None:
        return Platform(name, _platform_args(args, store_generation, neighbours), opts)
    secret = contract.store_secret(store_generation) if args.store_access_key or args.store_ca else None
    return SharedPlatform(name, SharedPlatformArgs(args.namespace, secret), opts)


def _platform_args(
    args: ModelServicesArgs, store_generation: str | None, neighbours: Neighbours
) -> PlatformArgs:
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
        neighbours=neighbours,
    )


def _encrypted(text: SecretStr | None) -> pulumi.Output[str] | None:
    """Return the text as an output that the state keeps encrypted."""
    return None if text is None else pulumi.Output.secret(text.get_secret_value())
